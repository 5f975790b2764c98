package athena

import (
	"encoding/binary"
	"errors"
)

// The metadata of Parquet is written in Thrift's compact protocol:
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

var errThrift = errors.New("the metadata is damaged")

// maxNested is how deep values may stand in one another.
const maxNested = 32

// The types of a field. True and false are values of one type.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// thrift reads values, one after another. After the first error it gives zeros.
type thrift struct {
	b      []byte
	nested int
	err    error
}

func (t *thrift) fail() {
	t.b = nil
	if t.err == nil {
		t.err = errThrift
	}
}

func (t *thrift) byte() byte {
	if len(t.b) == 0 {
		t.fail()
		return 0
	}
	c := t.b[0]
	t.b = t.b[1:]
	return c
}

func (t *thrift) uvarint() uint64 {
	v, n := binary.Uvarint(t.b)
	if n <= 0 {
		t.fail()
		return 0
	}
	t.b = t.b[n:]
	return v
}

// int is an integer of any width.
func (t *thrift) int() int64 {
	v := t.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (t *thrift) bytes() []byte {
	n := t.uvarint()
	if n > uint64(len(t.b)) {
		t.fail()
		return nil
	}
	v := t.b[:n]
	t.b = t.b[n:]
	return v
}

// structure reads a struct. field is told the number and the type of each field
// and reads it, or reports false to have it passed over.
func (t *thrift) structure(field func(id int, kind byte) bool) {
	if t.nested++; t.nested > maxNested {
		t.fail()
	}
	for id := 0; t.err == nil; {
		head := t.byte()
		kind := head & 15
		if kind == 0 {
			break
		}
		if delta := int(head >> 4); delta > 0 {
			id += delta
		} else {
			id = int(t.int())
		}
		if !field(id, kind) {
			t.skip(kind)
		}
	}
	t.nested--
}

// list reads a list, whose elements each reads.
func (t *thrift) list(each func(kind byte)) {
	head := t.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = t.uvarint()
	}
	if n > uint64(len(t.b)) { // an element has a byte at least
		t.fail()
		return
	}
	for range n {
		if t.err != nil {
			return
		}
		each(head & 15)
	}
}

func (t *thrift) skip(kind byte) {
	if t.nested++; t.nested > maxNested {
		t.fail()
	}
	switch kind {
	case thriftTrue, thriftFalse:
	case thriftByte:
		t.byte()
	case thriftI16, thriftI32, thriftI64:
		t.uvarint()
	case thriftDouble:
		for range 8 {
			t.byte()
		}
	case thriftBinary:
		t.bytes()
	case thriftList, thriftSet:
		t.list(t.element)
	case thriftMap:
		if n := t.uvarint(); n > 0 {
			kinds := t.byte()
			for i := uint64(0); i < n && t.err == nil; i++ {
				t.element(kinds >> 4)
				t.element(kinds & 15)
			}
		}
	case thriftStruct:
		t.structure(func(int, byte) bool { return false })
	default:
		t.fail()
	}
	t.nested--
}

// element passes over an element of a list or a map, where truth takes a byte,
// which a field has in its type.
func (t *thrift) element(kind byte) {
	if kind == thriftTrue || kind == thriftFalse {
		t.byte()
		return
	}
	t.skip(kind)
}
