package host

import (
	"debug/elf"
	"errors"
	"io"
	"strings"
)

// maxInterp bounds an interpreter's name; PATH_MAX.
const maxInterp = 4096

// interpreter is the dynamic loader that an ELF program asks for; "" when it
// needs none or is no ELF program.
func interpreter(name string) (string, error) {
	f, err := elf.Open(name)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) || errors.Is(err, io.EOF) {
			return "", nil
		}
		return "", err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(p.Open(), maxInterp))
		if err != nil {
			return "", err
		}
		return strings.TrimRight(string(b), "\x00"), nil
	}
	return "", nil
}
