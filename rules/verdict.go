// Package rules decides about a line: effects and facts in, one decision out.
// It is pure: no clock, disk, network or environment. The strictest finding
// wins and the order of rules never matters.
package rules

import (
	"encoding/json"
	"fmt"

	"guardsh/rules/effect"
)

// Verdict is what becomes of a line. It has no useful zero: unset is an error.
type Verdict uint8

const (
	Allow     Verdict = iota + 1 // silent
	Notify                       // said, and run
	Confirm                      // asked, default No
	Challenge                    // the named thing has to be typed
	Block                        // does not run; only break-glass gets past
)

var verdictNames = [...]string{Allow: "allow", Notify: "notify", Confirm: "confirm", Challenge: "challenge", Block: "block"}

func (v Verdict) String() string {
	if v < Allow || v > Block {
		return "unset"
	}
	return verdictNames[v]
}

// ParseVerdict reads a verdict's name.
func ParseVerdict(s string) (Verdict, error) {
	for v := Allow; v <= Block; v++ {
		if verdictNames[v] == s {
			return v, nil
		}
	}
	return 0, fmt.Errorf("unknown verdict %q (allow, notify, confirm, challenge or block)", s)
}

// MarshalJSON writes the name; an unset verdict is an error.
func (v Verdict) MarshalJSON() ([]byte, error) {
	if v < Allow || v > Block {
		return nil, fmt.Errorf("verdict is unset")
	}
	return json.Marshal(v.String())
}

// UnmarshalJSON reads a name.
func (v *Verdict) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	p, err := ParseVerdict(s)
	*v = p
	return err
}

// Finding is what one rule says about one effect.
type Finding struct {
	Rule     string      `json:"rule"`
	Verdict  Verdict     `json:"verdict"`
	Effect   effect.Kind `json:"effect"`
	Object   string      `json:"object"`
	Summary  string      `json:"summary"`           // one line: what it would do, with real targets
	Details  []string    `json:"details,omitempty"` // more lines: the protected ones by name, who holds it …
	Why      string      `json:"why,omitempty"`
	Hint     string      `json:"hint"`               // what to type instead
	Name     string      `json:"name,omitempty"`     // challenge: what has to be typed
	Snapshot string      `json:"snapshot,omitempty"` // which provider keeps what would change; "" none
	Action   int         `json:"action"`             // index in the line's actions; -1 for the whole line
	EffectAt int         `json:"-"`                  // index in the effects; -1 for a note
}

// Decision is the line's verdict, with what led to it, strictest first.
type Decision struct {
	Verdict  Verdict   `json:"verdict"`
	Findings []Finding `json:"findings"`
	Unknowns []string  `json:"unknowns,omitempty"` // facts that could not be had, and why
}
