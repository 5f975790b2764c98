package attribute

import "math/bits"

// The telling of words from random characters. Names are short, so frequencies
// of single letters say too little; pairs of letters tell English-like words
// from random ones well: the commonest 220 of the 676 pairs make up nine of ten
// pairs in technical English, and three of ten pairs of random letters.

// commonPairs[c] are the letters that often follow the letter 'a'+c, one bit
// each. The pairs are counted over the words of the comments in Go's standard
// library, each word once.
var commonPairs = [26]uint32{
	letters("bcdgilmnprstu"),     // a
	letters("aeilosu"),           // b
	letters("acehiklmortu"),      // c
	letters("adeilorsu"),         // d
	letters("acdefglmnpqrstvwx"), // e
	letters("aefilortu"),         // f
	letters("einors"),            // g
	letters("aeio"),              // h
	letters("abcdefglmnoprstvz"), // i
	letters(""),                  // j
	letters("eis"),               // k
	letters("adeilostuy"),        // l
	letters("aeimopsu"),          // m
	letters("acdefginostuv"),     // n
	letters("abcdflmnoprstuvw"),  // o
	letters("aceilmoprstu"),      // p
	letters("u"),                 // q
	letters("acdeilmnorstuy"),    // r
	letters("acehiklopstuy"),     // s
	letters("acehiloprstuy"),     // t
	letters("abceilmnprst"),      // u
	letters("aeip"),              // v
	letters("air"),               // w
	letters("pt"),                // x
	letters("p"),                 // y
	letters("e"),                 // z
}

func letters(s string) (set uint32) {
	for i := range len(s) {
		set |= 1 << (s[i] - 'a')
	}
	return set
}

// pairs counts the pairs of letters in s, which holds letters only, and how
// many of them are common.
func pairs(s string) (total, common int) {
	for i := 1; i < len(s); i++ {
		a, b := (s[i-1]|0x20)-'a', (s[i]|0x20)-'a'
		total++
		common += int(commonPairs[a] >> b & 1)
	}
	return total, common
}

const vowels = 1<<('a'-'a') | 1<<('e'-'a') | 1<<('i'-'a') | 1<<('o'-'a') | 1<<('u'-'a') | 1<<('y'-'a')

func hasVowel(s string) bool {
	for i := range len(s) {
		if vowels>>((s[i]|0x20)-'a')&1 == 1 {
			return true
		}
	}
	return false
}

// spells reports whether s, which holds letters only, reads like a word: it has
// a vowel and all its pairs are common, or four of five in a long one.
func spells(s string) bool {
	total, common := pairs(s)
	return hasVowel(s) && (common == total || total >= 7 && common*5 >= total*4)
}

// hasWord reports whether a name has words in it: a run of letters in one case
// that stands alone between separators, or parts that read like words and make
// up three characters of ten or more. In a text of small letters
// and capitals the case tells where words begin, and four letters may be one;
// else it takes five. Long random texts have a short word in them now and then.
func hasWord(s string) bool {
	count, _, _ := kinds(s)
	least := 5
	if count[0] > 0 && count[1] > 0 {
		least = 4
	}
	inWords := 0
	for i := 0; i < len(s); {
		if !isLetter(s[i]) {
			i++
			continue
		}
		j := i + 1 // a word: capitals, small letters, or small letters behind a capital
		for j < len(s) && isLetter(s[j]) && (isUpper(s[j]) == isUpper(s[j-1]) || j == i+1 && isLower(s[j])) {
			j++
		}
		if j < len(s) && j-i > 1 && isUpper(s[j-1]) && isLower(s[j]) {
			j-- // of HTTPServer the S belongs to the second word
		}
		word := s[i:j]
		if (i == 0 || !isAlnum(s[i-1])) && standsAlone(word, s[j:]) {
			return true
		}
		if len(word) >= least && spells(word) {
			inWords += len(word)
		}
		i = j
	}
	return inWords > 0 && inWords*10 >= (count[0]+count[1]+count[2])*3
}

// standsAlone reports whether a run of letters that begins a token is a word by
// its place: two letters or more with nothing behind them, four or more with
// only a number. A long run must read like one, too.
func standsAlone(word, behind string) bool {
	number := 0
	for number < len(behind) && isDigit(behind[number]) {
		number++
	}
	if number < len(behind) && isAlnum(behind[number]) {
		return false
	}
	return len(word) >= 2 && (number == 0 || len(word) >= 4 && number <= 8) && (len(word) < 8 || reads(word, 50))
}

// kinds counts the small letters, capitals and digits of a text, the
// characters that stand beside another one with no separator between, and how
// often the kind changes there.
func kinds(s string) (count [3]int, beside, changes int) {
	last := -1
	for i := range len(s) {
		kind := -1
		switch c := s[i]; {
		case isLower(c):
			kind = 0
		case isUpper(c):
			kind = 1
		case isDigit(c):
			kind = 2
		}
		if kind >= 0 {
			count[kind]++
			if last >= 0 {
				beside++
				if kind != last {
					changes++
				}
			}
		}
		last = kind
	}
	return count, beside, changes
}

// mixed reports whether letters and digits change kind as often as random ones:
// 62 times of 100 in base 62, 40 in base 36. Names in words stay below a third
// and a quarter.
func mixed(s string) bool {
	count, beside, changes := kinds(s)
	switch {
	case beside == 0 || count[2] == 0 || count[0]+count[1] == 0:
		return false
	case count[0] > 0 && count[1] > 0:
		return changes*5 >= beside*2
	default:
		return changes*4 >= beside
	}
}

// looksRandom reports whether a text of at least minLength letters and digits
// looks like random characters of base 36, 62 or 64 and has no word in it.
func looksRandom(s string, minLength int) bool {
	count, beside, changes := kinds(s)
	n := count[0] + count[1] + count[2]
	switch {
	case n < minLength:
		return false
	case count[2] > 0 && !hasWord(s):
		return mixed(s) || n >= 16 && count[2] >= 2 && !reads(s, 60)
	case count[2] > 0:
		return false
	case n != len(s) || reads(s, 50): // letters only: their pairs must tell
		return false
	case n >= 16:
		return distinct(s) >= 8
	default: // too short for the pairs alone: the case must jump too
		return changes*5 >= beside*2 && distinct(s) >= 8
	}
}

// distinct counts the different letters of s, which holds letters only.
func distinct(s string) int {
	var seen uint32
	for i := range len(s) {
		seen |= 1 << ((s[i] | 0x20) - 'a')
	}
	return bits.OnesCount32(seen)
}

// reads reports whether the letters of s read like words on the whole: at least
// so many of a hundred pairs are common. Random letters have 33.
func reads(s string, percent int) bool {
	total, common := 0, 0
	for i := 0; i < len(s); {
		if !isLetter(s[i]) {
			i++
			continue
		}
		j := i + 1 // a capital behind a small letter begins a word
		for j < len(s) && isLetter(s[j]) && !(isUpper(s[j]) && isLower(s[j-1])) {
			j++
		}
		t, c := pairs(s[i:j])
		total, common = total+t, common+c
		i = j
	}
	return total < 4 || common*100 >= total*percent
}
