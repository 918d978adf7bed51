package supervise

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
)

// A VM reads its packet in network byte order; the kernel gives the filter
// numbers in its own.
func packet(nr, arch uint32) []byte {
	b := make([]byte, 64)
	binary.BigEndian.PutUint32(b[offNr:], nr)
	binary.BigEndian.PutUint32(b[offArch:], arch)
	return b
}

func TestFilter(t *testing.T) {
	for arch, rows := range map[string][]struct {
		nr, arch uint32
		asks     bool
	}{
		"amd64": {
			{59, 0xc000003e, true}, {322, 0xc000003e, true}, {58, 0xc000003e, false}, {0, 0xc000003e, false},
			{11, 0xc000003e, false}, // munmap there
			{161, 0xc000003e, true}, {155, 0xc000003e, true}, {308, 0xc000003e, true}, {160, 0xc000003e, false}, {309, 0xc000003e, false},
			{x32 | 161, 0xc000003e, true}, {61, 0xc000003e, false}, {61, 0x40000003, true}, {217, 0x40000003, true}, {346, 0x40000003, true}, {161, 0x40000003, false},
			{358, 0xc000003e, false},
			{x32 | 520, 0xc000003e, true}, {x32 | 545, 0xc000003e, true}, {x32 | 59, 0xc000003e, false}, {520, 0xc000003e, false},
			{11, 0x40000003, true}, {358, 0x40000003, true}, {59, 0x40000003, false}, {322, 0x40000003, false},
			{59, 0xc00000b7, false}, {59, 0, false}, {0xffffffff, 0xffffffff, false},
		},
		"arm64": {
			{221, 0xc00000b7, true}, {281, 0xc00000b7, true}, {59, 0xc00000b7, false},
			{51, 0xc00000b7, true}, {41, 0xc00000b7, true}, {268, 0xc00000b7, true}, {161, 0xc00000b7, false}, {375, 0x40000028, true}, {61, 0x40000028, true},
			{11, 0x40000028, true}, {387, 0x40000028, true}, {221, 0x40000028, false}, {221, 0xc000003e, false},
		},
	} {
		vm, err := bpf.NewVM(filter(abisOf(arch)))
		if err != nil {
			t.Fatalf("%s: %v", arch, err)
		}
		for _, r := range rows {
			got, err := vm.Run(packet(r.nr, r.arch))
			want := retAllow
			if r.asks {
				want = retNotify
			}
			if err != nil || got != want {
				t.Errorf("%s: call %#x of arch %#x: %#x, want %#x (%v)", arch, r.nr, r.arch, got, want, err)
			}
		}
	}
}

func TestABIOf(t *testing.T) {
	for _, a := range here() {
		for _, nr := range []uint32{a.execve, a.execveat} {
			if got, ok := abiOf(a.arch, int32(nr)); !ok || got != a {
				t.Errorf("abiOf(%#x, %#x) = %v, %v", a.arch, nr, got, ok)
			}
		}
	}
	if _, ok := abiOf(0xc000003e, 1); ok {
		t.Error("write is no program start")
	}
	for _, a := range here() {
		for _, nr := range a.root {
			if _, ok := abiOf(a.arch, int32(nr)); ok || !changesRoot(a.arch, int32(nr)) {
				t.Errorf("call %#x of %#x changes the root directory, and starts nothing", nr, a.arch)
			}
		}
		if changesRoot(a.arch, int32(a.execve)) {
			t.Errorf("execve of %#x leaves the root directory", a.arch)
		}
	}
}
