package athena

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// A result in Parquet has a few columns of strings and whole numbers, none of
// them within another, so that this reads no more of the format than that:
// https://parquet.apache.org/docs/file-format/
// https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

// parquetMagic stands at both ends of a file.
const parquetMagic = "PAR1"

const (
	// maxFooter and maxPage bound what is read at once, in bytes unpacked.
	maxFooter = 64 << 20
	maxPage   = 256 << 20
	// maxPageValues bounds the values of a page, most of which may take no bytes.
	maxPageValues = 1 << 24
)

// The types of columns that are read.
const (
	parquetInt32  = 1
	parquetInt64  = 2
	parquetString = 6
)

// parquet is a result under way.
type parquet struct {
	file    io.ReaderAt
	groups  []rowGroup
	places  []int // of resultColumns among the file's
	columns []parquetColumn
	left    int64 // rows of the group at hand
	number  int64 // of the last row
	row     []string
	gzip    *gzip.Reader
	zstd    *zstd.Decoder
}

type rowGroup struct {
	rows   int64
	chunks []columnChunk
}

// columnChunk is where the values of one column lie.
type columnChunk struct {
	name             string
	kind             int64
	nested, optional bool
	codec            int64
	values           int64
	from, size       int64
}

// newParquet opens a file of some size.
func newParquet(file io.ReaderAt, size int64) (*parquet, error) {
	tail := make([]byte, 8)
	if size < 12 {
		return nil, errEarly
	}
	if err := readAt(file, tail, size-8); err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	switch {
	case string(tail[4:]) == "PARE":
		return nil, errors.New("its metadata are encrypted: export it without, or as CSV")
	case string(tail[4:]) != parquetMagic || length > size-12:
		return nil, errEarly
	case length > maxFooter:
		return nil, fmt.Errorf("its metadata have %d bytes, more than the %d that are read", length, maxFooter)
	}
	footer := make([]byte, length)
	if err := readAt(file, footer, size-8-length); err != nil {
		return nil, err
	}
	p := &parquet{file: file, row: make([]string, len(resultColumns))}
	if err := p.metadata(footer); err != nil {
		return nil, err
	}
	if len(p.groups) == 0 {
		return p, nil
	}
	for _, g := range p.groups {
		if !slices.EqualFunc(g.chunks, p.groups[0].chunks, func(a, b columnChunk) bool { return a.name == b.name }) {
			return nil, errThrift
		}
	}
	for _, want := range resultColumns {
		i := slices.IndexFunc(p.groups[0].chunks, func(c columnChunk) bool { return !c.nested && strings.EqualFold(c.name, want) })
		if i < 0 {
			return nil, fmt.Errorf("no column %s: it is not a result of trailscan's queries", want)
		}
		p.places = append(p.places, i)
	}
	return p, nil
}

// readAt fills b. The end of the file is an error, and never the end of a result.
func readAt(file io.ReaderAt, b []byte, at int64) error {
	if at < 0 {
		return errThrift
	}
	n, err := file.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case errors.Is(err, io.EOF):
		return errEarly
	}
	return err
}

// metadata reads what stands at the file's end.
func (p *parquet) metadata(footer []byte) error {
	t := &thrift{b: footer}
	repetitions := map[string]int64{}
	rows, seen := int64(0), 0 // of the fields that have to be there, one bit each
	t.structure(func(id int, kind byte) bool {
		if 1 <= id && id <= 4 {
			seen |= 1 << id
		}
		switch {
		case id == 2 && kind == thriftList: // the schema
			t.list(func(byte) {
				name, repetition := "", int64(0)
				t.structure(func(id int, kind byte) bool {
					switch {
					case id == 3 && kind == thriftI32:
						repetition = t.int()
					case id == 4 && kind == thriftBinary:
						name = string(t.bytes())
					default:
						return false
					}
					return true
				})
				repetitions[name] = repetition
			})
		case id == 3 && kind == thriftI64:
			rows = t.int()
		case id == 4 && kind == thriftList:
			t.list(func(byte) { p.groups = append(p.groups, readGroup(t)) })
		default:
			return false
		}
		return true
	})
	for _, g := range p.groups {
		rows -= g.rows
		for i := range g.chunks {
			c := &g.chunks[i]
			if g.rows < 0 || c.values != g.rows && repetitions[c.name] != 2 && !c.nested {
				return errThrift
			}
			c.optional = repetitions[c.name] == 1
			c.nested = c.nested || repetitions[c.name] == 2
		}
	}
	if t.err == nil && (rows != 0 || seen != 0b11110) {
		return errThrift
	}
	return t.err
}

func readGroup(t *thrift) (g rowGroup) {
	t.structure(func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == thriftList:
			t.list(func(byte) {
				var c columnChunk
				t.structure(func(id int, kind byte) bool {
					if id != 3 || kind != thriftStruct {
						return false
					}
					c = readChunk(t)
					return true
				})
				g.chunks = append(g.chunks, c)
			})
		case id == 3 && kind == thriftI64:
			g.rows = t.int()
		default:
			return false
		}
		return true
	})
	return g
}

func readChunk(t *thrift) (c columnChunk) {
	data, dictionary := int64(0), int64(0)
	t.structure(func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == thriftI32:
			c.kind = t.int()
		case id == 3 && kind == thriftList:
			parts := 0
			t.list(func(byte) {
				c.name = string(t.bytes())
				parts++
			})
			c.nested = parts != 1
		case id == 4 && kind == thriftI32:
			c.codec = t.int()
		case id == 5 && kind == thriftI64:
			c.values = t.int()
		case id == 7 && kind == thriftI64:
			c.size = t.int()
		case id == 9 && kind == thriftI64:
			data = t.int()
		case id == 11 && kind == thriftI64:
			dictionary = t.int()
		default:
			return false
		}
		return true
	})
	if c.from = data; dictionary > 0 && dictionary < data {
		c.from = dictionary
	}
	return c
}

func (p *parquet) values() []string { return p.row }

func (p *parquet) place() string { return fmt.Sprintf("row %d", p.number) }

func (p *parquet) next() error {
	for p.left == 0 {
		if len(p.groups) == 0 {
			return io.EOF
		}
		g := p.groups[0]
		p.groups = p.groups[1:]
		p.left = g.rows
		p.columns = p.columns[:0]
		for _, i := range p.places {
			p.columns = append(p.columns, parquetColumn{file: p, chunk: g.chunks[i], left: g.chunks[i].values})
		}
	}
	p.left--
	p.number++
	for i := range p.columns {
		v, err := p.columns[i].next()
		if err != nil {
			return fmt.Errorf("row %d, column %s: %w", p.number, resultColumns[i], err)
		}
		p.row[i] = v
	}
	return nil
}

// errEarly is that of a file which was cut off.
var errEarly = errors.New("the file ends early: fetch it again")

var errPage = errors.New("a page is damaged")

// parquetColumn reads one column of a group of rows, page by page.
type parquetColumn struct {
	file  *parquet
	chunk columnChunk
	at    int64 // the next page, from the chunk's begin
	left  int64 // values on further pages

	dictionary []string
	levels     *runs // whether there is a value; nil where all are there
	page       pageValues
	onPage     int64 // values left of the page at hand, those that are null included
}

// pageValues are the values of a page, one after another.
type pageValues interface {
	next() (string, error)
}

// next gives the next value as text; null is empty.
func (c *parquetColumn) next() (string, error) {
	for c.onPage == 0 {
		if c.left <= 0 {
			return "", errors.New("the column ends early")
		}
		if err := c.turn(); err != nil {
			return "", err
		}
	}
	c.onPage--
	if c.levels != nil {
		there, err := c.levels.next()
		if err != nil || there == 0 {
			return "", err
		}
	}
	return c.page.next()
}

// pageHeader is what stands before a page.
type pageHeader struct {
	kind                   int64
	unpacked, packed       int64
	values, encoding       int64
	levelBytes, repetition int64 // of the second kind of data page
	raw                    bool  // it is not compressed, whatever the codec
}

// The kinds of page.
const (
	dataPage       = 0
	dictionaryPage = 2
	dataPage2      = 3
)

func readPageHeader(t *thrift) (h pageHeader) {
	t.structure(func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == thriftI32:
			h.kind = t.int()
		case id == 2 && kind == thriftI32:
			h.unpacked = t.int()
		case id == 3 && kind == thriftI32:
			h.packed = t.int()
		case (id == 5 || id == 7) && kind == thriftStruct:
			t.structure(func(id int, kind byte) bool {
				switch {
				case id == 1 && kind == thriftI32:
					h.values = t.int()
				case id == 2 && kind == thriftI32:
					h.encoding = t.int()
				default:
					return false
				}
				return true
			})
		case id == 8 && kind == thriftStruct:
			t.structure(func(id int, kind byte) bool {
				switch {
				case id == 1 && kind == thriftI32:
					h.values = t.int()
				case id == 4 && kind == thriftI32:
					h.encoding = t.int()
				case id == 5 && kind == thriftI32:
					h.levelBytes = t.int()
				case id == 6 && kind == thriftI32:
					h.repetition = t.int()
				case id == 7 && kind == thriftFalse:
					h.raw = true
				default:
					return false
				}
				return true
			})
		default:
			return false
		}
		return true
	})
	return h
}

// maxPageHeader is more than a page's header has, statistics included.
const maxPageHeader = 1 << 20

// turn goes to the next page with values.
func (c *parquetColumn) turn() error {
	rest := c.chunk.size - c.at
	if rest <= 0 || c.chunk.from < 0 {
		return errors.New("the column ends early")
	}
	head := make([]byte, min(rest, 4096))
	var t *thrift
	var h pageHeader
	for {
		if err := readAt(c.file.file, head, c.chunk.from+c.at); err != nil {
			return err
		}
		t = &thrift{b: head}
		if h = readPageHeader(t); t.err == nil {
			break
		}
		if int64(len(head)) == min(rest, maxPageHeader) {
			return t.err
		}
		head = make([]byte, min(rest, maxPageHeader))
	}
	c.at += int64(len(head) - len(t.b))
	if h.packed < 0 || h.packed > rest || h.unpacked < 0 || h.unpacked > maxPage || h.values < 0 || h.values > maxPageValues {
		return errPage
	}
	body := make([]byte, h.packed)
	if err := readAt(c.file.file, body, c.chunk.from+c.at); err != nil {
		return err
	}
	c.at += h.packed
	switch h.kind {
	case dictionaryPage:
		body, err := c.file.unpack(c.chunk.codec, body, h.unpacked)
		if err != nil {
			return err
		}
		values, err := c.plain(body)
		if err != nil {
			return err
		}
		c.dictionary = c.dictionary[:0]
		for range h.values {
			v, err := values.next()
			if err != nil {
				return err
			}
			c.dictionary = append(c.dictionary, v)
		}
		return nil
	case dataPage:
		body, err := c.file.unpack(c.chunk.codec, body, h.unpacked)
		if err != nil {
			return err
		}
		c.levels = nil
		if c.chunk.optional {
			if len(body) < 4 {
				return errPage
			}
			n := int64(binary.LittleEndian.Uint32(body))
			if body = body[4:]; n > int64(len(body)) {
				return errPage
			}
			c.levels = newRuns(body[:n], 1)
			body = body[n:]
		}
		return c.open(h, body)
	case dataPage2:
		before := h.repetition + h.levelBytes
		if h.repetition != 0 || h.levelBytes < 0 || before > int64(len(body)) || before > h.unpacked {
			return errPage
		}
		c.levels = nil
		if c.chunk.optional {
			c.levels = newRuns(body[:before], 1)
		}
		if body = body[before:]; !h.raw {
			var err error
			if body, err = c.file.unpack(c.chunk.codec, body, h.unpacked-before); err != nil {
				return err
			}
		}
		return c.open(h, body)
	}
	return nil // an index
}

// The encodings of values.
const (
	plainEncoding       = 0
	oldDictionary       = 2
	deltaBinaryPacked   = 5
	deltaLengthEncoding = 6
	rleDictionary       = 8
)

// open begins with the values of a page.
func (c *parquetColumn) open(h pageHeader, body []byte) (err error) {
	c.onPage, c.left = h.values, c.left-h.values
	switch {
	case h.encoding == plainEncoding:
		c.page, err = c.plain(body)
	case h.encoding == oldDictionary || h.encoding == rleDictionary:
		if len(body) == 0 { // all are null
			c.page = &indexed{}
			return nil
		}
		if body[0] > 32 {
			return errPage
		}
		c.page = &indexed{newRuns(body[1:], int(body[0])), c.dictionary}
	case h.encoding == deltaBinaryPacked && c.chunk.kind != parquetString:
		c.page, err = newDeltas(body)
	case h.encoding == deltaLengthEncoding && c.chunk.kind == parquetString:
		c.page, err = newDeltaStrings(body)
	default:
		return fmt.Errorf("its encoding (%d) is not read: export it as CSV", h.encoding)
	}
	return err
}

// unpack decompresses a page, which has size bytes then.
func (p *parquet) unpack(codec int64, body []byte, size int64) ([]byte, error) {
	var err error
	switch codec {
	case 0:
	case 1: // Snappy
		if n, err := s2.DecodedLen(body); err != nil || int64(n) != size {
			return nil, errPage
		}
		body, err = s2.Decode(nil, body)
	case 2:
		if p.gzip == nil {
			p.gzip = new(gzip.Reader)
		}
		if err = p.gzip.Reset(bytes.NewReader(body)); err == nil {
			body, err = io.ReadAll(io.LimitReader(p.gzip, size+1))
		}
	case 6:
		if p.zstd == nil {
			if p.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage)); err != nil {
				return nil, err
			}
		}
		body, err = p.zstd.DecodeAll(body, nil)
	default:
		return nil, fmt.Errorf("its compression (%d) is not read: write it with snappy, gzip, zstd or none, or as CSV", codec)
	}
	if err != nil || int64(len(body)) != size {
		return nil, errPage
	}
	return body, nil
}

// plain are values as they are.
func (c *parquetColumn) plain(body []byte) (pageValues, error) {
	switch c.chunk.kind {
	case parquetString:
		return &plainStrings{body}, nil
	case parquetInt32:
		return &plainNumbers{body, 4}, nil
	case parquetInt64:
		return &plainNumbers{body, 8}, nil
	}
	return nil, errors.New("it is of another type than the queries give: export it as CSV")
}

type plainStrings struct{ b []byte }

func (p *plainStrings) next() (string, error) {
	if len(p.b) < 4 {
		return "", errPage
	}
	n := int64(binary.LittleEndian.Uint32(p.b))
	if p.b = p.b[4:]; n > int64(len(p.b)) {
		return "", errPage
	}
	v := string(p.b[:n])
	p.b = p.b[n:]
	return v, nil
}

type plainNumbers struct {
	b     []byte
	width int
}

func (p *plainNumbers) next() (string, error) {
	if len(p.b) < p.width {
		return "", errPage
	}
	var v int64
	if p.width == 4 {
		v = int64(int32(binary.LittleEndian.Uint32(p.b)))
	} else {
		v = int64(binary.LittleEndian.Uint64(p.b))
	}
	p.b = p.b[p.width:]
	return strconv.FormatInt(v, 10), nil
}

// indexed are values by their places in the dictionary.
type indexed struct {
	places     *runs
	dictionary []string
}

func (x *indexed) next() (string, error) {
	if x.places == nil {
		return "", errPage
	}
	i, err := x.places.next()
	if err != nil || i >= uint64(len(x.dictionary)) {
		return "", errPage
	}
	return x.dictionary[i], nil
}

// runs are small numbers in Parquet's hybrid of repeated and packed ones.
type runs struct {
	b     []byte
	width int
	left  uint64 // of the run at hand
	same  bool
	value uint64 // of a run that repeats it
	bits  bits
}

func newRuns(b []byte, width int) *runs { return &runs{b: b, width: width} }

func (r *runs) next() (uint64, error) {
	for r.left == 0 {
		head, n := binary.Uvarint(r.b)
		if n <= 0 {
			return 0, errPage
		}
		r.b = r.b[n:]
		size := (r.width + 7) / 8
		if r.same = head&1 == 0; r.same {
			if r.left = head >> 1; len(r.b) < size {
				return 0, errPage
			}
			r.value = 0
			for i := range size {
				r.value |= uint64(r.b[i]) << (8 * i)
			}
			r.b = r.b[size:]
			continue
		}
		// Groups of eight; the last may be cut off.
		r.left = head >> 1 * 8
		bytes := min(head>>1*uint64(r.width), uint64(len(r.b)))
		r.bits = bits{b: r.b[:bytes]}
		r.b = r.b[bytes:]
	}
	r.left--
	if r.same {
		return r.value, nil
	}
	return r.bits.next(r.width)
}

// bits are numbers of some bits each, the lowest bit first.
type bits struct {
	b  []byte
	at int // in bits
}

func (s *bits) next(width int) (v uint64, err error) {
	if s.at+width > 8*len(s.b) {
		return 0, errPage
	}
	for got := 0; got < width; {
		shift := s.at & 7
		n := min(8-shift, width-got)
		v |= uint64(s.b[s.at>>3]>>shift&(1<<n-1)) << got
		got += n
		s.at += n
	}
	return v, nil
}

// deltas are numbers by their differences, in blocks of a minimum and packed
// rests: https://parquet.apache.org/docs/file-format/data-pages/encodings/
type deltas struct {
	b          []byte
	perBlock   uint64 // numbers of a block
	minis      uint64 // parts of a block, each with a width of its own
	left       uint64 // numbers, the first included
	value      int64
	first      bool
	least      int64
	widths     []byte
	onMini     uint64
	mini       bits
	miniLength uint64
}

func newDeltas(b []byte) (*deltas, error) {
	d := &deltas{first: true}
	t := &thrift{b: b}
	d.perBlock, d.minis, d.left = t.uvarint(), t.uvarint(), t.uvarint()
	d.value = t.int()
	d.b = t.b
	if t.err != nil || d.minis == 0 || d.minis > 1<<16 || d.perBlock == 0 || d.perBlock > 1<<24 || d.perBlock%(d.minis*8) != 0 || d.left > maxPageValues {
		return nil, errPage
	}
	d.miniLength = d.perBlock / d.minis
	return d, nil
}

func (d *deltas) number() (int64, error) {
	if d.left == 0 {
		return 0, errPage
	}
	d.left--
	if d.first {
		d.first = false
		return d.value, nil
	}
	if d.onMini == 0 {
		if len(d.widths) == 0 {
			t := &thrift{b: d.b}
			d.least = t.int()
			if t.err != nil || uint64(len(t.b)) < d.minis {
				return 0, errPage
			}
			d.widths, d.b = t.b[:d.minis], t.b[d.minis:]
		}
		if d.widths[0] > 64 {
			return 0, errPage
		}
		n := min(d.miniLength*uint64(d.widths[0])/8, uint64(len(d.b)))
		d.mini, d.onMini = bits{b: d.b[:n]}, d.miniLength
		d.b = d.b[n:]
	}
	width := int(d.widths[0])
	if d.onMini--; d.onMini == 0 {
		d.widths = d.widths[1:]
	}
	rest, err := d.mini.next(width)
	if err != nil {
		return 0, err
	}
	d.value += d.least + int64(rest)
	return d.value, nil
}

func (d *deltas) next() (string, error) {
	v, err := d.number()
	return strconv.FormatInt(v, 10), err
}

// deltaStrings are strings whose lengths stand before them.
type deltaStrings struct {
	lengths []int64
	b       []byte
}

func newDeltaStrings(b []byte) (*deltaStrings, error) {
	d, err := newDeltas(b)
	if err != nil {
		return nil, err
	}
	s := &deltaStrings{}
	for range d.left {
		n, err := d.number()
		if err != nil || n < 0 {
			return nil, errPage
		}
		s.lengths = append(s.lengths, n)
	}
	s.b = d.b
	return s, nil
}

func (s *deltaStrings) next() (string, error) {
	if len(s.lengths) == 0 || s.lengths[0] > int64(len(s.b)) {
		return "", errPage
	}
	v := string(s.b[:s.lengths[0]])
	s.b = s.b[s.lengths[0]:]
	s.lengths = s.lengths[1:]
	return v, nil
}
