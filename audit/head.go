package audit

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"
)

// HostLog is the directory, in a trail root, of the journal that chains the
// starts and final heads of all others.
const HostLog = "host"

// The key files in a trail root.
const (
	keyName    = "key"     // the signing key, its owner's alone
	keyPubName = "key.pub" // the verifier key, to be kept elsewhere too
)

// headMagic is the first line of a signed head.
const headMagic = "guardsh trail v1"

// Head is a signed statement that a journal had Size events with this tree.
type Head struct {
	Journal string // name of the journal's directory
	Size    int64
	Root    tlog.Hash
	Time    time.Time

	signature string // as the note has it: the key's name and what it signed
}

// line is a head with its signature in one line.
func (h Head) line() string {
	return fmt.Sprintf("head of %s: %d events, tree %s, %s, signed by %s", h.Journal, h.Size, h.Root, h.Time.UTC().Format(time.RFC3339Nano), h.signature)
}

func (h Head) text() string {
	return fmt.Sprintf("%s\n%s\n%d\n%s\n%s\n", headMagic, h.Journal, h.Size, h.Root, h.Time.UTC().Format(time.RFC3339Nano))
}

func parseHead(text string) (Head, error) {
	f := strings.Split(text, "\n")
	if len(f) != 6 || f[0] != headMagic || f[5] != "" {
		return Head{}, errors.New("not a head of a guardsh trail")
	}
	h := Head{Journal: f[1]}
	var err error
	if h.Size, err = strconv.ParseInt(f[2], 10, 64); err != nil || h.Size < 0 {
		return Head{}, fmt.Errorf("head with size %q", f[2])
	}
	if h.Root, err = tlog.ParseHash(f[3]); err != nil {
		return Head{}, fmt.Errorf("head with tree hash %q", f[3])
	}
	if h.Time, err = time.Parse(time.RFC3339Nano, f[4]); err != nil {
		return Head{}, fmt.Errorf("head with time %q", f[4])
	}
	return h, nil
}

// headLine is a line of a heads file. The frontier is not signed: its hashes
// fold to the root that is.
type headLine struct {
	V        int         `json:"v"`
	Note     string      `json:"note"`
	Frontier []tlog.Hash `json:"frontier"`
	Bytes    int64       `json:"bytes"` // of events.jsonl that the head covers
}

// tree is the right edge of a tlog tree: the roots of its complete subtrees,
// largest first. It is all that is needed to go on and to name the root.
type tree struct {
	size  int64
	bytes int64 // of the events file
	edge  []tlog.Hash
}

// add appends leaves; each is a line with or without its newline.
func (t *tree) add(lines [][]byte, bytesAfter int64) {
	for _, l := range lines {
		t.leaf(tlog.RecordHash(bytes.TrimSuffix(l, []byte("\n"))))
	}
	t.bytes = bytesAfter
}

func (t *tree) leaf(h tlog.Hash) {
	// Each trailing one bit of the size is a complete subtree that this leaf
	// makes twice as large.
	for n := t.size; n&1 == 1; n >>= 1 {
		h = tlog.NodeHash(t.edge[len(t.edge)-1], h)
		t.edge = t.edge[:len(t.edge)-1]
	}
	t.edge = append(t.edge, h)
	t.size++
}

// root is the tree's hash as tlog.TreeHash has it.
func (t *tree) root() tlog.Hash {
	if len(t.edge) == 0 {
		return tlog.Hash{}
	}
	h := t.edge[len(t.edge)-1]
	for i := len(t.edge) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.edge[i], h)
	}
	return h
}

// follow adds what the file holds behind the tree's end.
func (t *tree) follow(f io.ReaderAt, size int64) error {
	r := bufio.NewReaderSize(io.NewSectionReader(f, t.bytes, size-t.bytes), int(min(64<<10, max(0, size-t.bytes))))
	for t.bytes < size {
		line, err := readLine(r)
		if err != nil {
			return fmt.Errorf("read events for the head: %w", err)
		}
		t.bytes += int64(len(line)) + 1
		t.leaf(tlog.RecordHash(line))
	}
	return nil
}

// readLine reads a line of at most maxEvent bytes, without its newline. A last
// line without newline is io.ErrUnexpectedEOF, with the bytes.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case err == bufio.ErrBufferFull:
			if len(line) > maxEvent {
				return nil, fmt.Errorf("a line of more than %d bytes", maxEvent)
			}
		case err == io.EOF && len(line) > 0:
			return line, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// signHead appends a head of the events file to the heads file beside it, of
// what is known to be on the disk: a head that outlives a power cut and covers
// events that do not would name them as cut off. The caller holds the chain's
// lock where others write it too.
func signHead(root, name string, c *chain, t *tree) (Head, error) {
	signer, err := loadSigner(root)
	if err != nil {
		return Head{}, err
	}
	dir := filepath.Dir(c.f.Name())
	f, err := os.OpenFile(filepath.Join(dir, HeadsName), os.O_RDWR|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return Head{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Head{}, err
	}
	end, last, err := lastLine(f, st.Size())
	if err != nil {
		return Head{}, err
	}
	if end < st.Size() { // a head that was not finished
		if err := f.Truncate(end); err != nil {
			return Head{}, err
		}
	}
	if t == nil {
		t = resume(last)
		if t.bytes > c.size {
			t = &tree{}
		}
	}
	if t.bytes > c.synced { // others' head, or a tree that holds what is not synced
		if err := c.sync(); err != nil {
			return Head{}, fmt.Errorf("sync %s: %w", c.f.Name(), err)
		}
	}
	if err := t.follow(c.f, c.synced); err != nil {
		return Head{}, err
	}
	h := Head{Journal: name, Size: t.size, Root: t.root(), Time: time.Now().UTC().Round(time.Microsecond)}
	signed, err := note.Sign(&note.Note{Text: h.text()}, signer)
	if err != nil {
		return Head{}, fmt.Errorf("sign a head: %w", err)
	}
	line, err := (&headLine{V: Version, Note: string(signed), Frontier: t.edge, Bytes: t.bytes}).line()
	if err != nil {
		return Head{}, err
	}
	_, sig, _ := strings.Cut(string(signed), "\n\n")
	h.signature = strings.TrimPrefix(strings.TrimSpace(sig), "— ")
	_, err = f.Write(append(line, '\n'))
	return h, err
}

// resume is the tree as the last head left it; empty when that does not fold
// to its own root.
func resume(last []byte) *tree {
	hl, err := readHeadLine(last)
	if err != nil {
		return &tree{}
	}
	text, _, _ := strings.Cut(hl.Note, "\n\n")
	h, err := parseHead(text + "\n")
	t := &tree{size: h.Size, bytes: hl.Bytes, edge: hl.Frontier}
	if err != nil || hl.Bytes < 0 || len(t.edge) == 0 || t.root() != h.Root {
		return &tree{}
	}
	return t
}

// loadSigner reads the trail root's key, made at first use.
func loadSigner(root string) (note.Signer, error) {
	path := filepath.Join(root, keyName)
	for range 2 {
		b, err := os.ReadFile(path)
		if err == nil {
			s, err := newSigner(strings.TrimSpace(string(b)))
			if err != nil {
				return nil, fmt.Errorf("%s: not a signing key: move it away and a new one is made", path)
			}
			return s, publish(root, s)
		}
		if !os.IsNotExist(err) {
			return nil, err
		}
		if err := makeKey(root); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: cannot be made", path)
}

// makeKey writes a new key. Two processes may try at once: the link decides
// which one it is.
func makeKey(root string) error {
	host, _ := os.Hostname()
	name := "guardsh-" + strings.Map(func(r rune) rune {
		if r <= ' ' || r == '+' || r >= 0x7f {
			return '-'
		}
		return r
	}, host)
	skey, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(root, ".key.*") // 0600; nobody else's, not even another journal's of this process
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(skey + "\n")
	// Synced before it has its name: an empty key would end the signing for good.
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), filepath.Join(root, keyName)); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}

// publish writes the public half of the key, unless it is there: who made the
// key may have died before that.
func publish(root string, s *signer) error {
	path := filepath.Join(root, keyPubName)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		return err
	}
	vkey, err := note.NewEd25519VerifierKey(s.name, s.public())
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(vkey+"\n"), 0o644)
}

// sign writes a head of this session's journal.
func (w *writer) sign() error {
	h, err := w.writeHead()
	if err != nil {
		return err
	}
	w.unsigned = false
	if time.Since(w.sent) > sendHeads {
		w.send(h)
	}
	return nil
}

// sendHeads is how often at most a head leaves the machine before the last one.
const sendHeads = time.Minute

func (w *writer) send(h Head) {
	w.sent = time.Now()
	if w.j.info.OnHead != nil {
		w.j.info.OnHead(h.line())
	}
}

// writeHead signs all that is on the disk of the journal now, others' events too.
func (w *writer) writeHead() (Head, error) {
	unlock, err := w.chain.lock()
	if err != nil {
		return Head{}, err
	}
	defer unlock()
	if _, err := w.chain.catchUp(); err != nil {
		return Head{}, err
	}
	h, err := signHead(w.root, w.name, w.chain, w.tree)
	if err == nil {
		w.signed = w.chain.synced
	}
	return h, err
}

// signSynced signs what this session knows to be on the disk, unless it has.
func (w *writer) signSynced() error {
	if w.chain == nil || w.signed > 0 && w.signed == w.chain.synced {
		return nil
	}
	_, err := w.writeHead()
	return err
}

// finish writes the final head, and tells the host log.
func (w *writer) finish() error {
	if w.j.info.Shared {
		return w.signSynced() // one of many, each of which is over in a moment: the day's go on
	}
	h, err := w.writeHead()
	if err != nil {
		return err
	}
	w.send(h)
	_, err = hostAppend(w.root, &Event{
		V: Version, Time: h.Time, Session: w.j.session, Kind: FinalHead, Journal: w.name, Size: h.Size, Tree: h.Root.String(),
	})
	return err
}

// tellHost records a new journal in the host log. That it cannot be signed is
// no reason not to write the journal, whose own heads say so.
func (w *writer) tellHost() error {
	told, err := hostAppend(w.root, &Event{
		V: Version, Time: time.Now().UTC().Round(time.Microsecond), Session: w.j.session, Kind: SessionStart,
		Journal: w.name, User: w.j.info.User, TTY: w.j.info.TTY,
	})
	if w.told = told; !told {
		return err
	}
	if w.j.info.Shared {
		w.closeDay()
	}
	return nil
}

// closeDay gives the host log a final head of the user's shared journal before
// this one, which nobody else ends. It is tried once: what fails leaves that
// journal with its own heads.
func (w *writer) closeDay() {
	days, err := filepath.Glob(filepath.Join(w.root, "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]-*"))
	if err != nil {
		return
	}
	last := "" // Glob sorts, and days sort as they follow each other
	for _, d := range days {
		if name := filepath.Base(d); len(name) > dayLen && name[dayLen:] == w.name[dayLen:] && name < w.name {
			last = name
		}
	}
	if last == "" {
		return
	}
	c, err := openChain(filepath.Join(w.root, last, EventsName))
	if err != nil {
		return
	}
	defer c.close()
	unlock, err := c.lock()
	if err != nil {
		return
	}
	defer unlock()
	if _, err := c.catchUp(); err != nil {
		return
	}
	if c.sync() != nil {
		return
	}
	h, err := signHead(w.root, last, c, nil)
	if err != nil {
		return
	}
	_, _ = hostAppend(w.root, &Event{
		V: Version, Time: h.Time, Session: w.j.session, Kind: FinalHead, Journal: last, Size: h.Size, Tree: h.Root.String(),
	})
}

// hostAppend appends to the host log, durably, and signs it. written says that
// the event is there whatever the error is about.
func hostAppend(root string, e *Event) (written bool, err error) {
	dir := filepath.Join(root, HostLog)
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return false, err
	}
	c, err := openChain(filepath.Join(dir, EventsName))
	if err != nil {
		return false, err
	}
	defer c.close()
	unlock, err := c.lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	if err := c.write([]*Event{e}, nil); err != nil {
		return false, err
	}
	if err := c.sync(); err != nil {
		return true, err
	}
	_, err = signHead(root, HostLog, c, nil)
	return true, err
}
