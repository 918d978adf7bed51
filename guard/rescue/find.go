package rescue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// below are the files below directories, for grep -r.
func (c *call) below(names []string) (files []string) {
	if len(names) == 0 {
		names = []string{"."}
	}
	for _, n := range names {
		root := c.path(n)
		c.fail(filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			switch {
			case c.stopped():
				return c.ctx.Err()
			case err != nil:
				c.fail(err)
			case d.Type().IsRegular():
				files = append(files, strings.TrimSuffix(n, "/")+strings.TrimPrefix(p, strings.TrimSuffix(root, "/")))
			}
			return nil
		}))
	}
	return files
}

// found is one file that find looks at.
type found struct {
	path  string // as it is shown
	full  string
	info  fs.FileInfo
	depth int
	prune bool
}

// test is one part of find's expression.
type test func(*found) bool

// finder reads find's expression.
type finder struct {
	*call
	words    []string
	acts     bool // the expression does something by itself
	deep     bool // what is in a directory comes before it
	min, max int
	one      bool
	runs     []*gathered
}

// gathered is one -exec … {} +.
type gathered struct{ words, names []string }

func findFiles(c *call) {
	f := &finder{call: c, max: -1, words: c.args}
	var roots []string
	for len(f.words) > 0 && (f.words[0][:min(1, len(f.words[0]))] != "-" && f.words[0] != "(" && f.words[0] != "!") {
		roots, f.words = append(roots, f.words[0]), f.words[1:]
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	match := test(func(*found) bool { return true })
	if len(f.words) > 0 {
		var err error
		if match, err = f.either(); err == nil && len(f.words) > 0 {
			err = fmt.Errorf("%s is not expected here", f.words[0])
		}
		if err != nil {
			c.say("%s", err)
			return
		}
	}
	for _, r := range roots {
		st, err := os.Lstat(c.path(r))
		if err != nil {
			c.failAt(shown(r), err)
			continue
		}
		f.walk(&found{path: r, full: c.path(r), info: st}, match, sysOf(st).Dev)
	}
	for _, g := range f.runs {
		f.flush(g)
	}
}

func (f *finder) walk(at *found, match test, dev uint64) {
	if f.stopped() || f.halt != nil {
		return
	}
	visit := func() {
		if at.depth >= f.min && match(at) && !f.acts {
			fmt.Fprintln(f.out, at.path)
		}
	}
	if !f.deep {
		visit()
	}
	if at.info.IsDir() && !at.prune && (f.max < 0 || at.depth < f.max) && !(f.one && sysOf(at.info).Dev != dev) {
		entries, err := os.ReadDir(at.full)
		if err != nil {
			f.failAt(shown(at.path), err)
		}
		for _, d := range entries {
			i, err := d.Info()
			if err != nil {
				f.failAt(shown(below(at.path, d.Name())), err)
				continue
			}
			f.walk(&found{
				path: below(at.path, d.Name()), full: filepath.Join(at.full, d.Name()), info: i, depth: at.depth + 1,
			}, match, dev)
		}
	}
	if f.deep {
		visit()
	}
}

func (f *finder) next() (string, error) {
	if len(f.words) == 0 {
		return "", errors.New("an argument is missing at the end")
	}
	w := f.words[0]
	f.words = f.words[1:]
	return w, nil
}

func (f *finder) either() (test, error) {
	a, err := f.both()
	for err == nil && len(f.words) > 0 && (f.words[0] == "-o" || f.words[0] == "-or") {
		f.words = f.words[1:]
		var b test
		if b, err = f.both(); err == nil {
			first := a
			a = func(x *found) bool { return first(x) || b(x) }
		}
	}
	return a, err
}

func (f *finder) both() (test, error) {
	a, err := f.not()
	for err == nil && len(f.words) > 0 && f.words[0] != "-o" && f.words[0] != "-or" && f.words[0] != ")" {
		if f.words[0] == "-a" || f.words[0] == "-and" {
			f.words = f.words[1:]
		}
		var b test
		if b, err = f.not(); err == nil {
			first := a
			a = func(x *found) bool { return first(x) && b(x) }
		}
	}
	return a, err
}

func (f *finder) not() (test, error) {
	w, err := f.next()
	switch {
	case err != nil:
		return nil, err
	case w == "!" || w == "-not":
		a, err := f.not()
		return func(x *found) bool { return !a(x) }, err
	case w == "(":
		a, err := f.either()
		if err == nil {
			if w, err = f.next(); err == nil && w != ")" {
				err = errors.New("a ) is missing")
			}
		}
		return a, err
	}
	return f.primary(w)
}

// always is what holds for every file, for words that are about the whole walk.
func always(*found) bool { return true }

func (f *finder) primary(word string) (test, error) {
	switch word {
	case "-print":
		f.acts = true
		return func(x *found) bool { fmt.Fprintln(f.out, x.path); return true }, nil
	case "-print0":
		f.acts = true
		return func(x *found) bool { fmt.Fprintf(f.out, "%s\x00", x.path); return true }, nil
	case "-delete":
		f.acts, f.deep = true, true
		return func(x *found) bool {
			if x.path == "." {
				return true // as always, the place itself stays
			}
			err := os.Remove(x.full)
			if err != nil {
				f.cannot("delete", x.path, err)
			}
			return err == nil
		}, nil
	case "-prune":
		return func(x *found) bool { x.prune = true; return true }, nil
	case "-empty":
		return func(x *found) bool {
			if x.info.IsDir() {
				entries, err := os.ReadDir(x.full)
				return err == nil && len(entries) == 0
			}
			return x.info.Mode().IsRegular() && x.info.Size() == 0
		}, nil
	case "-depth":
		f.deep = true
		return always, nil
	case "-xdev", "-mount":
		f.one = true
		return always, nil
	case "-exec":
		return f.exec()
	}
	arg, err := f.next()
	if err != nil {
		return nil, err
	}
	switch word {
	case "-name", "-iname", "-path", "-wholename":
		fold := func(s string) string { return s }
		if word == "-iname" {
			fold = strings.ToLower
		}
		if _, err := path.Match(arg, ""); err != nil {
			return nil, fmt.Errorf("%s is no pattern", arg)
		}
		return func(x *found) bool {
			name := filepath.Base(x.path)
			if word == "-path" || word == "-wholename" {
				// There a star stands for slashes too.
				ok, err := path.Match(strings.ReplaceAll(arg, "/", "\x01"), strings.ReplaceAll(x.path, "/", "\x01"))
				return err == nil && ok
			}
			ok, err := path.Match(fold(arg), fold(name))
			return err == nil && ok
		}, nil
	case "-type":
		return func(x *found) bool {
			letter, _ := kindOf(sysOf(x.info).Mode)
			if letter == '-' {
				letter = 'f'
			}
			return strings.IndexByte(arg, letter) >= 0
		}, nil
	case "-maxdepth", "-mindepth":
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%s %s is no depth", word, arg)
		}
		if word == "-maxdepth" {
			f.max = n
		} else {
			f.min = n
		}
		return always, nil
	case "-size":
		return sizeTest(arg)
	case "-mtime", "-mmin":
		unit := 24 * time.Hour
		if word == "-mmin" {
			unit = time.Minute
		}
		now := time.Now()
		return number(arg, func(x *found) int64 { return int64(now.Sub(x.info.ModTime()) / unit) })
	case "-links":
		return number(arg, func(x *found) int64 { return int64(sysOf(x.info).Nlink) })
	case "-inum":
		return number(arg, func(x *found) int64 { return int64(sysOf(x.info).Ino) })
	case "-uid":
		return number(arg, func(x *found) int64 { return int64(sysOf(x.info).Uid) })
	case "-gid":
		return number(arg, func(x *found) int64 { return int64(sysOf(x.info).Gid) })
	case "-user", "-group":
		owner := groupID
		if word == "-user" {
			owner = func(s string) (int, error) { id, _, err := ownerIDs(s); return id, err }
		}
		id, err := owner(arg)
		if err != nil {
			return nil, err
		}
		return func(x *found) bool {
			if word == "-user" {
				return int(sysOf(x.info).Uid) == id
			}
			return int(sysOf(x.info).Gid) == id
		}, nil
	case "-newer":
		st, err := os.Stat(f.path(arg))
		if err != nil {
			return nil, fmt.Errorf("%s: %s", shown(arg), reason(err))
		}
		return func(x *found) bool { return x.info.ModTime().After(st.ModTime()) }, nil
	case "-perm":
		how := strings.TrimLeft(arg, "-/")
		bits, err := strconv.ParseUint(how, 8, 16)
		if err != nil {
			return nil, fmt.Errorf("-perm takes octal digits here, not %s", arg)
		}
		want := uint32(bits)
		return func(x *found) bool {
			mode := sysOf(x.info).Mode & 0o7777
			switch arg[0] {
			case '-':
				return mode&want == want
			case '/':
				return want == 0 || mode&want != 0
			}
			return mode == want
		}, nil
	}
	return nil, fmt.Errorf("%s is not known here", word)
}

func number(arg string, of func(*found) int64) (test, error) {
	n, err := strconv.ParseInt(strings.TrimLeft(arg, "+-"), 10, 64)
	if err != nil || arg == "" {
		return nil, fmt.Errorf("%s is no number", arg)
	}
	return func(x *found) bool {
		v := of(x)
		switch arg[0] {
		case '+':
			return v > n
		case '-':
			return v < n
		}
		return v == n
	}, nil
}

func sizeTest(arg string) (test, error) {
	unit := int64(512)
	for _, u := range [...]struct {
		letter string
		bytes  int64
	}{{"c", 1}, {"w", 2}, {"b", 512}, {"k", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}} {
		if rest, ok := strings.CutSuffix(arg, u.letter); ok {
			arg, unit = rest, u.bytes
			break
		}
	}
	return number(arg, func(x *found) int64 { return (x.info.Size() + unit - 1) / unit })
}

// exec reads -exec COMMAND ; and -exec COMMAND {} +. What it starts is judged
// as every command is.
func (f *finder) exec() (test, error) {
	f.acts = true
	var words []string
	for {
		w, err := f.next()
		if err != nil {
			return nil, errors.New("-exec ends with \\; or {} +")
		}
		if w == "+" && len(words) > 0 && words[len(words)-1] == "{}" {
			g := &gathered{words: words[:len(words)-1]}
			f.runs = append(f.runs, g)
			return func(x *found) bool {
				if g.names = append(g.names, x.path); len(g.names) >= maxWords {
					f.flush(g)
				}
				return true
			}, nil
		}
		if w == ";" {
			break
		}
		words = append(words, w)
	}
	if len(words) == 0 {
		return nil, errors.New("-exec needs a command")
	}
	return func(x *found) bool {
		argv := make([]string, len(words))
		for i, w := range words {
			argv[i] = strings.ReplaceAll(w, "{}", x.path)
		}
		return f.run(argv)
	}, nil
}

// maxWords is how many names one command is given at once.
const maxWords = 1000

func (f *finder) flush(g *gathered) {
	if len(g.names) == 0 || f.halt != nil || f.stopped() {
		return
	}
	if !f.run(append(append([]string{}, g.words...), g.names...)) {
		f.status = 1
	}
	g.names = nil
}

// run starts another command, and reports whether it went well. One that is
// refused ends this one and the line.
func (c *call) run(argv []string) bool {
	if c.halt != nil || c.stopped() {
		return false
	}
	if err := c.out.Flush(); err != nil {
		return false
	}
	err := c.shell.start(c.ctx, argv)
	if err != nil && !isExit(err) {
		c.halt = err
	}
	return err == nil
}
