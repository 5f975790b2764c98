package attribute

import (
	"fmt"
	"slices"
)

// The bounds of assume-churn.
const (
	churnSessions = 10 // from one parent credential
	churnShare    = 10 // their median use is under a tenth of their lifetime
	// stsQuota is how many requests a second STS takes from one account in one region.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	stsQuota = 600
)

func assumeChurn() Rule {
	return Rule{
		ID: "assume-churn", Severity: Low,
		Title: "Sessions are opened far more often than needed",
		When:  "one parent credential opened at least 10 sessions of the role, and half of them were used for less than a tenth of their lifetime",
		Why:   "Each session costs an STS request and its latency, counts against the 600 requests a second that an account has in a region, and adds an event to the trail that somebody pays to keep.",
		Fix:   "Keep the credential and use it until it runs out: make one client for the process, outside the function's handler or the request's path. The session name may stay the same for its whole life.",
		check: func(j *judge) []sighting {
			type parentKey struct {
				role   string
				parent string
			}
			type opened struct {
				names     map[*nameView]bool
				use, life []int64
				first     int64
				last      int64
				evidence  []Evidence
				used      map[*issuance]bool
			}
			groups := map[parentKey]*opened{}
			for _, n := range j.names {
				for _, s := range n.sessions {
					i := s.resolution.issuance
					if i == nil || i.best().caller.key == 0 || j.issuedByService(i) || len(s.several) > 0 {
						continue
					}
					k := parentKey{n.RoleARN, j.text[i.best().caller.key]}
					g := groups[k]
					if g == nil {
						g = &opened{names: map[*nameView]bool{}, first: i.at.time, last: i.at.time, used: map[*issuance]bool{}}
						groups[k] = g
					}
					g.names[n] = true
					g.use = append(g.use, s.span.last-min(s.span.first.time, max(s.created, i.at.time)))
					g.life = append(g.life, lifetime(s))
					g.first, g.last = min(g.first, i.at.time), max(g.last, i.at.time)
					if len(g.evidence) < maxEvidence {
						g.evidence = append(g.evidence, Evidence{Type: "assume-event", EventID: j.eventText(i.best().at), Detail: "opened one of them"})
					}
				}
			}
			seen := map[*nameView]sighting{}
			for k, g := range groups {
				count := int64(len(g.use))
				if count < churnSessions || median(g.use)*churnShare >= median(g.life) {
					continue
				}
				needed := (g.last-g.first)/median(g.life) + 1
				saved := max(count-needed, 0)
				detail := fmt.Sprintf("one credential opened %d sessions in %s, half of them used for %s or less of %s; kept, %s would have done: %d STS requests saved, of the %d a second that an account has",
					count, span64(g.last-g.first), span64(median(g.use)), span64(median(g.life)), plural(needed, "session", "sessions"), saved, stsQuota)
				for n := range g.names {
					s := sighting{name: n, group: k.role, detail: detail, evidence: g.evidence, weight: count}
					if o, ok := seen[n]; !ok || s.weight > o.weight || s.weight == o.weight && s.detail < o.detail {
						seen[n] = s
					}
				}
			}
			var out []sighting
			for _, n := range j.names {
				if s, ok := seen[n]; ok {
					out = append(out, s)
				}
			}
			return out
		},
	}
}

func median(values []int64) int64 {
	v := slices.Sorted(slices.Values(values))
	return v[len(v)/2]
}

// span64 writes seconds as a person would say them.
func span64(s int64) string {
	switch {
	case s < 120:
		return fmt.Sprintf("%d s", s)
	case s < 2*3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 2*86400:
		return fmt.Sprintf("%d h", s/3600)
	}
	return fmt.Sprintf("%d days", s/86400)
}
