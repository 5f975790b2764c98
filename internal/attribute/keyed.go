package attribute

// keyed is a list whose entries are found by a key. Most of a credential's
// lists have an entry or two, which are looked through; a long one has an
// index, since a whole fleet may use one credential.
type keyed[K comparable, T interface{ key() K }] struct {
	list []T
	at   map[K]int32 // where entries stand; nil for a short list
}

// longList is the length from which on a list has an index.
const longList = 16

// find gives the entry that has the key, nil where there is none.
func (l *keyed[K, T]) find(k K) *T {
	if l.at == nil {
		for i := len(l.list) - 1; i >= 0; i-- { // the latest is the likeliest
			if l.list[i].key() == k {
				return &l.list[i]
			}
		}
		return nil
	}
	i, found := l.at[k]
	if !found {
		return nil
	}
	return &l.list[i]
}

// add appends an entry whose key no other has.
func (l *keyed[K, T]) add(v T) {
	if l.at != nil {
		l.at[v.key()] = int32(len(l.list))
	}
	l.list = append(l.list, v)
	if l.at == nil && len(l.list) >= longList {
		l.index()
	}
}

func (l *keyed[K, T]) index() {
	l.at = make(map[K]int32, 2*len(l.list))
	for i := range l.list {
		l.at[l.list[i].key()] = int32(i)
	}
}

// keep drops the entries that are not wanted.
func (l *keyed[K, T]) keep(wanted func(*T) bool) {
	kept := l.list[:0]
	for i := range l.list {
		if wanted(&l.list[i]) {
			kept = append(kept, l.list[i])
		}
	}
	clear(l.list[len(kept):])
	l.list, l.at = kept, nil
	if len(l.list) >= longList {
		l.index()
	}
}
