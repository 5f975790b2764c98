package ingest

import "time"

// parseTime parses the times of CloudTrail records into seconds since 1970 UTC:
// 2024-07-30T21:31:15Z and, in older creationDates, 20131102T010628Z. Fractions
// of a second are cut off. An offset such as +00:00, which other programs put in
// place of the Z, is honoured; without either the time is UTC, as CloudTrail
// documents all its times to be.
//
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func parseTime(b []byte) (unix int64, ok bool) {
	var year, month, day, hour, minute, second int
	switch {
	case len(b) >= 19 && b[4] == '-' && b[7] == '-' && b[10] == 'T' && b[13] == ':' && b[16] == ':':
		year = twoDigits(b, 0)*100 + twoDigits(b, 2)
		month, day = twoDigits(b, 5), twoDigits(b, 8)
		hour, minute, second = twoDigits(b, 11), twoDigits(b, 14), twoDigits(b, 17)
		b = b[19:]
	case len(b) >= 15 && b[8] == 'T':
		year = twoDigits(b, 0)*100 + twoDigits(b, 2)
		month, day = twoDigits(b, 4), twoDigits(b, 6)
		hour, minute, second = twoDigits(b, 9), twoDigits(b, 11), twoDigits(b, 13)
		b = b[15:]
	default:
		return 0, false
	}
	// A part that is no number is negative enough to fall out of every range.
	if year < 1970 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, false
	}
	offset, ok := parseZone(b)
	unix = daysSince1970(year, month, day)*86400 + int64(hour*3600+minute*60+second) - offset
	return unix, ok && unix >= 0
}

// parseZone parses what follows the seconds: a fraction and a zone, both
// optional. The offset is in seconds east of UTC.
func parseZone(b []byte) (offset int64, ok bool) {
	if len(b) > 1 && (b[0] == '.' || b[0] == ',') {
		i := 1
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		if i == 1 {
			return 0, false
		}
		b = b[i:]
	}
	switch {
	case len(b) == 0, len(b) == 1 && b[0] == 'Z':
		return 0, true
	case b[0] != '+' && b[0] != '-':
		return 0, false
	}
	var hours, minutes int
	switch {
	case len(b) == 6 && b[3] == ':':
		hours, minutes = twoDigits(b, 1), twoDigits(b, 4)
	case len(b) == 5:
		hours, minutes = twoDigits(b, 1), twoDigits(b, 3)
	default:
		return 0, false
	}
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset = int64(hours*3600 + minutes*60)
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// twoDigits is the number at b[i:i+2], or negative below -9000.
func twoDigits(b []byte, i int) int {
	tens, units := b[i]-'0', b[i+1]-'0'
	if tens > 9 || units > 9 {
		return -10000
	}
	return int(tens)*10 + int(units)
}

func daysIn(year, month int) int {
	if month == int(time.February) {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}

// daysSince1970 counts the days of the Gregorian calendar. The year is taken to
// begin in March, so that the leap day is its last.
func daysSince1970(year, month, day int) int64 {
	if month -= 3; month < 0 {
		month += 12
		year--
	}
	leaps := year/4 - year/100 + year/400
	return int64(year*365+leaps+(month*153+2)/5+day-1) - 719468
}
