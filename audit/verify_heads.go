package audit

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// headDue is the age at which a journal without a signed head is wrong.
const headDue = 5 * time.Second

// heads checks the signed heads of a journal against its events.
func (v *verification) heads(name string, j *verified, list []signedHead, problems []Problem) {
	for _, p := range problems {
		v.problem(name, p, nil)
	}
	j.heads = len(list)
	v.sum.Heads += len(list)
	if len(list) == 0 && len(problems) == 0 && len(j.lines) > 0 {
		// A head is due after a second; five are enough for any disk. The host
		// log gets its head with each event; heads were read before events, so
		// one that began in between has none yet.
		first, last := j.lines[0].e, j.lines[len(j.lines)-1].e
		due := !isDay(name) && first != nil && last != nil && last.Time.Sub(first.Time) > headDue
		if name == HostLog {
			due = first == nil || time.Since(first.Time) > headDue
		}
		if due {
			v.problem(name, Problem{Fault: NoHead, Detail: "its end may have been cut off"}, nil)
		} else {
			v.sum.Notes = append(v.sum.Notes, name+": no signed head yet: nothing says whether its end was cut off")
		}
	}
	for _, h := range list {
		j.roots[h.Size] = tlog.Hash{}
	}
	t := &tree{}
	for i := range j.lines {
		t.leaf(j.lines[i].leaf)
		if _, ok := j.roots[t.size]; ok {
			j.roots[t.size] = t.root()
		}
	}
	var good int64
	cut := signedHead{}
	for i, h := range list {
		switch {
		case h.Size > j.last():
			if h.Size > cut.Size {
				cut = h
			}
		case h.Size > 0 && h.Size <= int64(len(j.lines)) && j.lines[h.Size-1].end != h.bytes && !j.bad:
			v.problem(name, Problem{Fault: BadHead, Detail: fmt.Sprintf("head %d was changed: it names another number of bytes", i+1)}, nil)
		case h.Size <= int64(len(j.lines)) && j.roots[h.Size] == h.Root:
			good = max(good, h.Size)
		case !j.bad:
			v.problem(name, Problem{Fault: Rewritten, Seq: good + 1, To: h.Size,
				Detail: fmt.Sprintf("the events fit together, but they are not those that were signed at %s", h.Time.Format(time.RFC3339))}, nil)
		}
	}
	if cut.Size > 0 {
		v.cut(name, j, cut.Size, "a head signed at "+cut.Time.Format(time.RFC3339))
	}
}

func (v *verification) cut(name string, j *verified, size int64, who string) {
	v.problem(name, Problem{Fault: CutTail, Seq: j.last() + 1, To: size, Detail: fmt.Sprintf("%s covers %d events", who, size)}, nil)
}

// signedHead is a head whose signature is good.
type signedHead struct {
	Head
	bytes int64 // of events.jsonl that it covers; not signed
}

func (v *verification) readHeads(name, path string) ([]signedHead, []Problem, error) {
	f, err := openRegular(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var list []signedHead
	var problems []Problem
	r := bufio.NewReaderSize(f, 64<<10)
	for n := 1; ; n++ {
		line, err := readLine(r)
		if err == io.EOF {
			return list, problems, nil
		}
		if err == io.ErrUnexpectedEOF { // not finished; the one before it counts
			if n == 1 || !json.Valid(line) {
				return list, problems, nil
			}
		} else if err != nil {
			return list, append(problems, Problem{Fault: BadHead, Detail: err.Error()}), nil
		}
		h, err := v.readHead(line)
		if err == nil && h.Journal != name {
			err = fmt.Errorf("it is of another journal (%s)", h.Journal)
		}
		if err != nil {
			problems = append(problems, Problem{Fault: BadHead, Detail: fmt.Sprintf("head %d: %v", n, err)})
			continue
		}
		list = append(list, h)
	}
}

func (v *verification) readHead(line []byte) (signedHead, error) {
	var hl headLine
	if err := json.Unmarshal(line, &hl); err != nil {
		return signedHead{}, fmt.Errorf("cannot be read: %w", err)
	}
	if again, err := json.Marshal(hl); err != nil || hl.V != Version || !bytes.Equal(again, line) {
		return signedHead{}, errors.New("it was changed")
	}
	n, err := note.Open([]byte(hl.Note), v.keys)
	if err != nil {
		var unverified *note.UnverifiedNoteError
		if errors.As(err, &unverified) {
			return signedHead{}, errors.New("signed by a key that is not this trail's")
		}
		return signedHead{}, fmt.Errorf("signature: %w", err)
	}
	for _, sig := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return signedHead{}, fmt.Errorf("signature: %w", err)
		}
	}
	h, err := parseHead(n.Text)
	if err != nil {
		return signedHead{}, err
	}
	t := resume(line)
	if t.size != h.Size {
		return signedHead{}, errors.New("its frontier does not fold to the signed root")
	}
	return signedHead{h, hl.Bytes}, nil
}
