package bash

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"strings"
)

// maxPath bounds the name of a loader.
const maxPath = 4096

// needs is what a program asks for to start: its loader and its libraries, or
// the interpreter that a script names. Nothing where it needs nothing.
func needs(path string) (loader string, libs []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	magic := make([]byte, 2)
	if _, err := io.ReadFull(f, magic); err != nil {
		return "", nil, err
	}
	if string(magic) == "#!" {
		b, err := io.ReadAll(io.LimitReader(f, maxPath))
		if err != nil {
			return "", nil, err
		}
		line, _, _ := strings.Cut(string(b), "\n")
		if words := strings.Fields(line); len(words) > 0 {
			return words[0], nil, nil
		}
		return "", nil, nil
	}
	if loader, libs, ok := nativeNeeds(f); ok {
		return loader, libs, nil
	}
	return elfNeeds(f)
}

// elfNeeds is what any ELF file asks for.
func elfNeeds(f io.ReaderAt) (loader string, libs []string, err error) {
	e, err := elf.NewFile(f)
	if err != nil {
		return "", nil, err
	}
	for _, p := range e.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(p.Open(), maxPath))
		if err != nil {
			return "", nil, err
		}
		loader = strings.TrimRight(string(b), "\x00")
	}
	if libs, err = e.ImportedLibraries(); err != nil {
		return "", nil, err
	}
	return loader, libs, nil
}

// What is read of a program at once: its header, the program headers and mostly
// the loader's name; its dynamic section; and the name of a library.
const (
	maxHead    = 4 << 10
	maxDynamic = 4 << 10
	maxLibrary = 256
)

// nativeNeeds reads it of a program of today's machines (64 bits, little endian)
// as the kernel and the loader do, by the program headers: package elf reads all
// sections, and every login waits for it. ok is false for any other file.
func nativeNeeds(f io.ReaderAt) (loader string, libs []string, ok bool) {
	le := binary.LittleEndian
	head := readAt(f, 0, maxHead)
	if len(head) < 64 || string(head[:4]) != elf.ELFMAG || elf.Class(head[elf.EI_CLASS]) != elf.ELFCLASS64 || elf.Data(head[elf.EI_DATA]) != elf.ELFDATA2LSB {
		return "", nil, false
	}
	const size = 56 // of a program header
	from, count := le.Uint64(head[32:]), uint64(le.Uint16(head[56:]))
	if le.Uint16(head[54:]) != size || from > maxHead || from+count*size > uint64(len(head)) {
		return "", nil, false
	}
	type segment struct{ offset, address, length uint64 }
	var loads []segment
	var dynamic []byte
	for i := range count {
		p := head[from+i*size:]
		s := segment{le.Uint64(p[8:]), le.Uint64(p[16:]), le.Uint64(p[32:])}
		switch elf.ProgType(le.Uint32(p)) {
		case elf.PT_LOAD:
			loads = append(loads, s)
		case elf.PT_INTERP:
			loader = text(readAt(f, s.offset, min(s.length, maxPath)))
		case elf.PT_DYNAMIC:
			if s.length > maxDynamic {
				return "", nil, false
			}
			dynamic = readAt(f, s.offset, s.length)
		}
	}
	var names uint64 // where in memory the strings are
	var at []uint64  // where among them the libraries' names
	for ; len(dynamic) >= 16; dynamic = dynamic[16:] {
		value := le.Uint64(dynamic[8:])
		switch elf.DynTag(le.Uint64(dynamic)) {
		case elf.DT_STRTAB:
			names = value
		case elf.DT_NEEDED:
			at = append(at, value)
		}
	}
	for _, i := range at {
		for _, s := range loads {
			if address := names + i; address >= s.address && address-s.address < s.length {
				libs = append(libs, text(readAt(f, s.offset+address-s.address, maxLibrary)))
				break
			}
		}
	}
	return loader, libs, len(libs) == len(at)
}

// readAt is at most n bytes of a file; fewer at its end.
func readAt(f io.ReaderAt, at, n uint64) []byte {
	b := make([]byte, n)
	got, _ := f.ReadAt(b, int64(at))
	return b[:got]
}

// text is what stands before the first NUL.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
