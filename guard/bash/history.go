package bash

import (
	"strconv"
	"strings"
)

// history is the user's own settings, which the gate took over for the time
// of a prompt: HISTCONTROL, 1 where the history is off, HISTSIZE.
type history struct {
	settings string
	ignore   string
}

// hides says whether the user's settings keep a line out of the history for
// what it is. A line that is only a repetition is not hidden.
func (h history) hides(line string) bool {
	f := strings.Split(h.settings, " ")
	if len(f) == 3 {
		if f[1] != "" || f[2] == "0" {
			return true
		}
		for c := range strings.SplitSeq(f[0], ":") {
			if (c == "ignorespace" || c == "ignoreboth") && strings.HasPrefix(line, " ") {
				return true
			}
		}
	}
	for p := range strings.SplitSeq(h.ignore, ":") {
		if p != "" && p != "&" && matchIgnore(p, line) {
			return true
		}
	}
	return false
}

// matchIgnore is HISTIGNORE's match without brackets and extended patterns:
// it only decides what the trail calls hidden.
func matchIgnore(pattern, line string) bool {
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '*':
			for j := 0; j <= len(line); j++ {
				if matchIgnore(pattern[i+1:], line[j:]) {
					return true
				}
			}
			return false
		case '\\':
			i++
			if i == len(pattern) || line == "" || line[0] != pattern[i] {
				return false
			}
		case '?':
			if line == "" {
				return false
			}
		default:
			if line == "" || line[0] != pattern[i] {
				return false
			}
		}
		line = line[1:]
	}
	return line == ""
}

// historyLine is the line in what `fc -ln` printed: a tab, a mark, the line. In
// posix mode there is no mark, and sh/gate.sh puts a blank in front.
func historyLine(s string) string {
	s = strings.TrimSuffix(s, "\n")
	return s[min(2, len(s)):]
}

// seen compares HISTCMD in the gate with its value at the prompt: it moves
// when bash records the line.
func seen(now, before string) bool {
	n, err := strconv.Atoi(now)
	if err != nil {
		return false
	}
	b, err := strconv.Atoi(before)
	return err == nil && n > b
}
