package snapshot

import (
	"context"

	"golang.org/x/sys/unix"
)

// Foresee finds out, before a question is asked, what a Take of the plan could
// bring back: what will be written to devices, and whether the programs that
// know a state answer. What cannot be kept moves from the items to Beyond,
// what can only be kept in part is named in Missing.
func (s *Store) Foresee(ctx context.Context, p Plan) Plan {
	_, _, errs := dumps(ctx, p.Items)
	failed := map[int]error{}
	for _, e := range errs {
		failed[e.item] = e
	}
	items := p.Items
	p.Items = nil
	for n, it := range items {
		if e := failed[n]; e != nil {
			p.Beyond = append(p.Beyond, e.Error())
			continue
		}
		if it.Class == Device && len(it.Ranges) == 0 {
			d, err := openDevice(it.Path, unix.O_RDONLY)
			why := ""
			if err == nil {
				it.Ranges, why = s.devicePlan(ctx, it, d)
				d.Close()
			} else {
				why = err.Error()
			}
			switch {
			case len(it.Ranges) == 0:
				p.Beyond = append(p.Beyond, it.Path+": "+why)
				continue
			case why != "":
				p.Missing = append(p.Missing, it.Path+": "+why)
			}
		}
		p.Items = append(p.Items, it)
	}
	// What is only kept to look at is said once something else comes back;
	// alone it is no undo.
	for _, it := range p.Items {
		if why := lookOnly(it); why != "" {
			p.Missing = append(p.Missing, why)
		}
	}
	return p
}

// lookOnly says of a state that an undo does not put it back; "" if it does.
func lookOnly(it Item) string {
	if it.Class.CanRestore() {
		return ""
	}
	return providers()[it.Class].name(it) + ": kept to look at, an undo does not put it back"
}
