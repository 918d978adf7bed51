package rescue

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// copier copies files. What it does not preserve it says.
type copier struct {
	*call
	recursive, force, update, verbose, one bool
	copied                                 string // a word before what -v says
	unless                                 string // what is there: "keep" leaves it, "ask" asks
	hardLinks                              bool   // links instead of copies
	links                                  bool   // a link is copied as a link
	follow                                 bool   // every link is followed
	mode, owner, times, xattrs, hard       bool   // what is preserved
	anyMode                                bool   // not even the permissions are taken over

	made map[inode]bool   // directories that this copy made: never copied into themselves
	done map[string]inode // names that operands were copied to, and which those were
	seen map[inode]string // files with several names: where the first went
	from string           // the operand that is being copied
	root string           // where it goes
	dev  uint64
}

// inode names a file on this machine.
type inode struct{ dev, ino uint64 }

func inodeOf(st fs.FileInfo) inode {
	s := sysOf(st)
	return inode{s.Dev, s.Ino}
}

func copyFiles(c *call) {
	k := copier{call: c}
	f := c.options()
	archive := f.BoolP("archive", "a", false, "all below, and everything about it: the same as -dR --preserve=all")
	f.BoolVarP(&k.recursive, "recursive", "r", false, "directories and all below")
	capital := f.BoolP("Recursive", "R", false, "the same")
	noLinks := f.BoolP("no-dereference", "P", false, "links as links")
	f.BoolVarP(&k.follow, "dereference", "L", false, "what links lead to")
	d := f.BoolP("d", "d", false, "links as links, files with several names kept so")
	p := f.BoolP("p", "p", false, "preserve mode, owner and times")
	preserve := f.StringSlice("preserve", nil, "mode, ownership, timestamps, links, xattr, all; mode, ownership and timestamps without any")
	f.Lookup("preserve").NoOptDefVal = "mode,ownership,timestamps"
	no := f.StringSlice("no-preserve", nil, "what is not preserved")
	f.BoolVarP(&k.force, "force", "f", false, "remove what cannot be written over")
	oneOf(f, &k.unless, "no-clobber", "n", "keep", "leave what is there")
	oneOf(f, &k.unless, "interactive", "i", "ask", "ask before writing over")
	f.BoolVarP(&k.hardLinks, "link", "l", false, "links with the same content instead of copies")
	f.BoolVarP(&k.update, "update", "u", false, "leave what is as new")
	f.BoolVarP(&k.verbose, "verbose", "v", false, "say each")
	f.BoolVarP(&k.one, "one-file-system", "x", false, "leave what is mounted below alone")
	f.String("sparse", "auto", "holes are kept, as always")
	f.String("reflink", "auto", "bytes are copied, as always")
	f.Lookup("reflink").NoOptDefVal = "auto"
	into := f.StringP("target-directory", "t", "", "put the copies here")
	noDir := f.BoolP("no-target-directory", "T", false, "DEST is the name itself, never a directory to put it in")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	k.recursive = k.recursive || *capital || *archive
	// A tree is copied with its links, unless it is said otherwise.
	k.links = *noLinks || *d || *archive || (k.recursive || k.hardLinks) && !k.follow
	if *p {
		*preserve = append(*preserve, "mode", "ownership", "timestamps")
	}
	if *archive {
		*preserve = append(*preserve, "all")
	}
	k.hard = *d
	for _, list := range []struct {
		names []string
		keep  bool
	}{{*preserve, true}, {*no, false}} {
		for _, what := range list.names {
			if !k.preserve(what, list.keep) {
				c.say("--preserve=%s is not known here", what)
				return
			}
		}
	}
	k.anyMode = slices.Contains(*no, "mode")
	for _, pair := range c.pairs(args, *into, *noDir) {
		k.tree(pair[0], pair[1])
	}
}

// preserve sets what of a file is kept.
func (k *copier) preserve(what string, keep bool) bool {
	at := map[string][]*bool{
		"mode": {&k.mode}, "ownership": {&k.owner}, "timestamps": {&k.times}, "links": {&k.hard}, "xattr": {&k.xattrs}, "context": {},
		"all": {&k.mode, &k.owner, &k.times, &k.hard, &k.xattrs},
	}
	these, ok := at[what]
	for _, b := range these {
		*b = keep
	}
	return ok
}

// pairs says which file goes under which name, both as they are given: into a
// directory that is there, or to the one name that is given.
func (c *call) pairs(args []string, into string, noDir bool) (pairs [][2]string) {
	sources := args
	if into == "" {
		if len(args) < 2 {
			c.say("missing destination file operand after %s", shown(args[0]))
			c.misuse()
			return nil
		}
		sources, into = args[:len(args)-1], args[len(args)-1]
		st, err := os.Stat(c.path(into))
		if err != nil || !st.IsDir() || noDir {
			if err == nil {
				err = unix.ENOTDIR
			}
			switch {
			case noDir && len(sources) > 1:
				c.say("extra operand %s", shown(into))
				c.misuse()
				return nil
			case len(sources) > 1:
				c.say("target %s: %s", shown(into), reason(err))
				return nil
			case strings.HasSuffix(into, "/") && st != nil && !st.IsDir():
				c.say("failed to access %s: %s", shown(into), reason(err))
				return nil
			}
			return [][2]string{{sources[0], into}}
		}
	} else if st, err := os.Stat(c.path(into)); err != nil || !st.IsDir() {
		if err == nil {
			err = unix.ENOTDIR
		}
		c.say("target directory %s: %s", shown(into), reason(err))
		return nil
	}
	for _, s := range sources {
		to := into
		if base := filepath.Base(s); base != "." && base != ".." && base != "/" {
			to = below(into, base)
		}
		pairs = append(pairs, [2]string{s, to})
	}
	return pairs
}

// tree copies one operand.
func (k *copier) tree(from, to string) bool {
	k.made, k.from, k.root = map[inode]bool{}, from, to
	if k.seen == nil {
		k.seen, k.done = map[inode]string{}, map[string]inode{}
	}
	st, err := k.look(from, true)
	if err != nil {
		k.cannot("stat", from, err)
		return false
	}
	if st.IsDir() && !k.recursive {
		k.say("-r not specified; omitting directory %s", shown(from))
		return false
	}
	name := filepath.Clean(k.path(to))
	if before, ok := k.done[name]; ok && !st.IsDir() {
		if before == inodeOf(st) {
			k.err(k.name + ": warning: source file " + shown(from) + " specified more than once\n")
			return true
		}
		k.say("will not overwrite just-created %s with %s", shown(to), shown(from))
		return false
	}
	k.done[name] = inodeOf(st)
	k.dev = sysOf(st).Dev
	return k.copy(from, to, st)
}

func (k *copier) look(name string, operand bool) (fs.FileInfo, error) {
	if k.links && !k.follow && !(operand && strings.HasSuffix(name, "/")) {
		return os.Lstat(k.path(name))
	}
	return os.Stat(k.path(name))
}

// copy copies one file, or a directory and all below, and reports whether all
// of it arrived.
func (k *copier) copy(from, to string, st fs.FileInfo) bool {
	if k.stopped() {
		return false
	}
	old, err := os.Lstat(k.path(to))
	there := err == nil
	if there {
		if run, ok := k.replaces(from, to, st, old); !run {
			return ok
		}
	}
	if st.IsDir() {
		return k.directory(from, to, st, there)
	}
	first, again := k.seen[inodeOf(st)]
	moved := k.copied != "" // its other names are gone from here already
	if k.hard && again && (moved || sysOf(st).Nlink > 1) {
		if err := makeLink(k.path(first), k.path(to), false, true); err != nil {
			k.say("cannot create hard link %s to %s: %s", shown(to), shown(first), reason(err))
			return false
		}
		if moved {
			return true
		}
	} else {
		if !k.file(from, to, st, there) {
			return false
		}
		if k.hard && sysOf(st).Nlink > 1 {
			k.seen[inodeOf(st)] = to
		}
	}
	if k.verbose {
		k.tell("%s%s -> %s", k.copied, shown(from), shown(to))
	}
	return true
}

// replaces says whether what is there may be written over; ok, where it may
// not, whether that is as it was asked for.
func (k *copier) replaces(from, to string, st, old fs.FileInfo) (run, ok bool) {
	target, err := os.Stat(k.path(to))
	asLink := k.links && st.Mode()&fs.ModeSymlink != 0
	switch {
	case os.SameFile(st, old) || err == nil && os.SameFile(st, target) && !asLink:
		k.say("%s and %s are the same file", shown(from), shown(to))
		return false, false
	case st.IsDir():
		return true, false
	case old.IsDir() || err == nil && target.IsDir() && !asLink:
		k.say("cannot overwrite directory %s with non-directory %s", shown(to), shown(from))
		return false, false
	case err != nil && !asLink && old.Mode()&fs.ModeSymlink != 0 && !k.recursive:
		k.say("not writing through dangling symlink %s", shown(to))
		return false, false
	case k.unless == "keep":
		return false, true
	case k.update && !st.ModTime().After(old.ModTime()):
		return false, true
	case k.unless == "ask":
		return k.ask("overwrite %s", shown(to)), true
	}
	return true, false
}

func (k *copier) directory(from, to string, st fs.FileInfo, there bool) bool {
	if k.made[inodeOf(st)] {
		k.say("cannot copy a directory, %s, into itself, %s", shown(k.from), shown(k.root))
		return false
	}
	if there {
		target, err := os.Stat(k.path(to))
		if err != nil || !target.IsDir() {
			k.say("cannot overwrite non-directory %s with directory %s", shown(to), shown(from))
			return false
		}
	} else if err := os.Mkdir(strings.TrimRight(k.path(to), "/"), 0o700); err != nil {
		k.cannot("create directory", to, err)
		return false
	}
	if i, err := os.Stat(k.path(to)); err == nil && !there {
		k.made[inodeOf(i)] = true
	}
	if k.verbose && !there {
		k.tell("%s%s -> %s", k.copied, shown(from), shown(to))
	}
	all := true
	if !k.one || sysOf(st).Dev == k.dev { // what is mounted there stays out, its directory does not
		all = k.entries(from, to)
	}
	if !there || k.mode {
		all = k.attributes(from, to, st, !there) && all
	}
	return all && !k.stopped()
}

// entries copies what is in a directory.
func (k *copier) entries(from, to string) (all bool) {
	entries, err := os.ReadDir(k.path(from))
	if err != nil {
		k.cannot("access", from, err)
		return false
	}
	all = true
	for _, d := range entries {
		name := below(from, d.Name())
		i, err := k.look(name, false)
		if err != nil {
			k.cannot("stat", name, err)
			all = false
			continue
		}
		all = k.copy(name, below(to, d.Name()), i) && all
	}
	return all
}

// file copies what is no directory.
func (k *copier) file(from, to string, st fs.FileInfo, there bool) bool {
	if k.hardLinks && k.unless != "keep" {
		if err := makeLink(k.path(from), k.path(to), false, k.force); err != nil {
			k.say("cannot create hard link %s to %s: %s", shown(to), shown(from), reason(err))
			return false
		}
		return true
	}
	if st.Mode().IsRegular() || !k.recursive && st.Mode()&fs.ModeSymlink == 0 {
		return k.content(from, to, st, there) && k.attributes(from, to, st, !there)
	}
	// What stood there goes only when its successor does exist.
	at := k.path(to)
	if there {
		at = besideName(k.path(to))
	}
	s := sysOf(st)
	what := "special file"
	var err error
	if st.Mode()&fs.ModeSymlink != 0 {
		what = "symbolic link"
		var target string
		if target, err = os.Readlink(k.path(from)); err == nil {
			err = os.Symlink(target, at)
		}
	} else {
		err = unix.Mknod(at, s.Mode, int(s.Rdev))
	}
	if err == nil && there {
		if err = os.Rename(at, k.path(to)); err != nil {
			_ = os.Remove(at)
		}
	}
	if err != nil {
		k.cannot("create "+what, to, err)
		return false
	}
	return k.attributes(from, to, st, !there)
}
