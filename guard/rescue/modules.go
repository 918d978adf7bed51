package rescue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// moduleName is the name of a module's file: - and _ are the same in it.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// insert loads a module of the kernel from a file, packed or not.
func insert(file, params string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	plain, packed, err := decompressed(f)
	if err != nil {
		return err
	}
	if packed == nil {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return unix.FinitModule(int(f.Fd()), params, 0)
	}
	image, err := io.ReadAll(plain)
	if err != nil {
		return err
	}
	return unix.InitModule(image, params)
}

func insertModule(c *call) {
	args, ok := c.read(c.options(), 1, -1)
	if !ok {
		return
	}
	if err := insert(c.path(args[0]), strings.Join(args[1:], " ")); err != nil {
		c.say("ERROR: could not insert module %s: %s", args[0], reason(err))
	}
}

func removeModule(c *call) {
	args, ok := c.read(c.options(), 1, -1)
	if !ok {
		return
	}
	for _, a := range args {
		if err := unix.DeleteModule(moduleName(a), unix.O_NONBLOCK); err != nil {
			c.say("ERROR: Module %s: %s", a, reason(err))
		}
	}
}

// probeModule is modprobe: a module by its name, and first those it needs.
func probeModule(c *call) {
	f := c.options()
	dir := f.StringP("dirname", "d", "/", "where lib/modules is, as on a medium")
	remove := f.BoolP("remove", "r", false, "take it out")
	args, ok := c.read(f, 1, -1)
	if !ok {
		return
	}
	name := moduleName(args[0])
	if *remove {
		if err := unix.DeleteModule(name, unix.O_NONBLOCK); err != nil {
			c.say("FATAL: Module %s: %s", args[0], reason(err))
		}
		return
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		c.fail(err)
		return
	}
	base := filepath.Join(c.path(*dir), "lib/modules", unix.ByteSliceToString(u.Release[:]))
	files, err := needed(base, name)
	if err != nil {
		c.say("FATAL: %s", inWords(err))
		return
	}
	for _, file := range files {
		params := ""
		if moduleName(file) == name {
			params = strings.Join(args[1:], " ")
		}
		if err := insert(filepath.Join(base, file), params); err != nil && !errors.Is(err, unix.EEXIST) {
			c.say("ERROR: could not insert %s: %s", shown(file), reason(err))
			return
		}
	}
}

// needed are the files that a module is made of, in the order in which they
// are loaded.
func needed(base, name string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(base, "modules.dep"))
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(b) {
		file, before, ok := strings.Cut(strings.TrimSpace(string(line)), ":")
		if !ok || moduleName(file) != name {
			continue
		}
		files := strings.Fields(before)
		slices.Reverse(files) // what is needed by others stands behind them
		return append(files, file), nil
	}
	return nil, saying(fmt.Sprintf("Module %s not found in directory %s", name, base))
}

func listModules(c *call) {
	if _, ok := c.read(c.options(), 0, 0); !ok {
		return
	}
	b, err := os.ReadFile("/proc/modules")
	if err != nil {
		c.noProc(err)
		return
	}
	c.tell("%-19s %8s  %s", "Module", "Size", "Used by")
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		by := strings.Trim(f[3], "-,")
		c.tell("%s", strings.TrimRight(fmt.Sprintf("%-19s %8s  %s %s", f[0], f[1], f[2], by), " "))
	}
}
