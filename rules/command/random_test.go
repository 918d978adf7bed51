package command

import (
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRandom holds random programs against real bash: what the rows of
// testdata/bash do for the constructs that someone thought of, this does for
// their combinations. GUARDSH_RANDOM=COUNT[:SEED] tries more of them.
func TestRandom(t *testing.T) {
	count, seed := 300, int64(1)
	if v := os.Getenv("GUARDSH_RANDOM"); v != "" {
		c, s, _ := strings.Cut(v, ":")
		count, _ = strconv.Atoi(c)
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			seed = n
		}
	}
	s := newScratch(t)
	was := s.tree(t)
	var sum tally
	known := os.Getenv("GUARDSH_RANDOM_KNOWN") != ""
	for i := range int64(count) {
		g := &generator{r: rand.New(rand.NewSource(seed + i))}
		program := g.program()
		var n tally
		class, _ := s.differs(t, was, program, known, &n)
		sum.add(n)
		if class == "" {
			continue
		}
		small := minimise(program, func(p string) bool {
			c, _ := s.differs(t, was, p, known, &tally{})
			return c == class
		})
		_, wrong := s.differs(t, was, small, known, &tally{})
		t.Errorf("seed %d: %s\n\t%s", seed+i, small, strings.Join(wrong, "\n\t"))
	}
	t.Logf("%d programs: %s", count, sum)
}

// differs runs a program and says what kinds of difference there are, and each.
func (s *scratch) differs(t *testing.T, was tree, program string, known bool, n *tally) (class string, wrong []string) {
	l := Understand(program, Options{Shell: &StaticShell{Dir: "/work", Environ: s.env, Login: "ann"}, Files: rootFiles{s.root}})
	for _, note := range l.Notes {
		switch {
		case strings.HasPrefix(note.Text, "internal error"):
			return "panic", []string{note.Text}
		case note.Kind == TooLarge || note.Kind == NotUnderstood || note.Kind == ForkBomb:
			return "", nil // said, not predicted
		}
	}
	starts, out, ended := s.try(t, program, 2*time.Second)
	s.restore(t, was)
	if !ended || strings.Contains(out, "syntax error") {
		return "", nil
	}
	for _, w := range compareStarts(l, starts, n) {
		kind, _, _ := strings.Cut(w, ":")
		if kind != "not predicted" && strings.Contains(program, "set -e") {
			n.never--
			continue // certain unless something before it fails fatally
		}
		wrong = append(wrong, w)
		if !strings.Contains(class, kind) {
			class += kind
		}
	}
	if known && class == "" && n.full+n.unknowable < n.starts {
		class = "not known"
	}
	return class, append(wrong, compact(l)...)
}

func (n *tally) add(m tally) {
	n.starts += m.starts
	n.missed += m.missed
	n.named += m.named
	n.full += m.full
	n.unknowable += m.unknowable
	n.wrong += m.wrong
	n.certain += m.certain
	n.never += m.never
}

// tree is what files the scratch root held at the start.
type tree map[string]treeFile

type treeFile struct {
	mode fs.FileMode
	text string
}

var treeDirs = []string{"work", "home", "srv", "tmp"}

func (s *scratch) tree(t *testing.T) tree {
	out := tree{}
	for _, d := range treeDirs {
		err := filepath.WalkDir(filepath.Join(s.root, d), func(p string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			i, err := e.Info()
			if err != nil {
				return err
			}
			f := treeFile{mode: i.Mode()}
			if i.Mode().IsRegular() {
				b, err := os.ReadFile(p)
				if err != nil {
					return err
				}
				f.text = string(b)
			}
			out[p] = f
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// restore undoes what a program did to the files.
func (s *scratch) restore(t *testing.T, was tree) {
	for p, f := range s.tree(t) {
		if w, ok := was[p]; ok && w == f {
			continue
		}
		if _, ok := was[p]; !ok || f.mode.Type() != was[p].mode.Type() {
			os.RemoveAll(p)
		}
	}
	now := s.tree(t)
	for p, f := range was {
		if now[p] == f {
			continue
		}
		if f.mode.IsDir() {
			os.MkdirAll(p, 0o777)
		} else if err := os.WriteFile(p, []byte(f.text), 0o666); err != nil {
			t.Fatal(err)
		}
		os.Chmod(p, f.mode)
	}
}
