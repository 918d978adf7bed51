package supervise

import (
	"runtime"
	"slices"

	"golang.org/x/net/bpf"
)

// abi is one way in which a process may call the kernel.
type abi struct {
	arch     uint32 // as the filter sees it: AUDIT_ARCH_* of linux/audit.h
	execve   uint32
	execveat uint32
	root     [3]uint32 // chroot, pivot_root and setns, which give a process another root directory
	word     int       // bytes of a pointer
	why      string    // it is here at all
}

// x32 marks system calls of the x32 ABI, whose arch is x86_64's.
const x32 = 0x40000000

// The ways in which a program can be started on a machine.
var (
	amd64 = []abi{
		{0xc000003e, 59, 322, [3]uint32{161, 155, 308}, 8, "native"},
		{0xc000003e, x32 | 520, x32 | 545, [3]uint32{x32 | 161, x32 | 155, x32 | 308}, 4, "x32, where the kernel was built with it"},
		{0x40000003, 11, 358, [3]uint32{61, 217, 346}, 4, "i386 programs, and int 0x80 in others"},
	}
	arm64 = []abi{
		{0xc00000b7, 221, 281, [3]uint32{51, 41, 268}, 8, "native"},
		{0x40000028, 11, 387, [3]uint32{61, 218, 375}, 4, "32-bit programs"},
	}
)

// abisOf are they by the machine's architecture. What is none of them starts
// nothing that a filter could name: it is let through.
func abisOf(arch string) []abi {
	switch arch {
	case "amd64":
		return amd64
	case "arm64":
		return arm64
	}
	return nil
}

// Offsets in struct seccomp_data.
const (
	offNr   = 0
	offArch = 4
)

// What a filter returns, of linux/seccomp.h.
const (
	retAllow  = 0x7fff0000
	retNotify = 0x7fc00000
)

// filter is the program that asks about program starts, and about another root
// directory, and lets everything else through. It does nothing: it is tested in
// a virtual machine.
func filter(abis []abi) []bpf.Instruction {
	var p []bpf.Instruction
	for _, a := range abis {
		calls := append([]uint32{a.execve, a.execveat}, a.root[:]...)
		p = append(p,
			bpf.LoadAbsolute{Off: offArch, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: a.arch, SkipTrue: uint8(len(calls) + 2)},
			bpf.LoadAbsolute{Off: offNr, Size: 4},
		)
		last := len(calls) - 1
		for i, nr := range calls[:last] {
			p = append(p, bpf.JumpIf{Cond: bpf.JumpEqual, Val: nr, SkipTrue: uint8(last - i)})
		}
		p = append(p,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: calls[last], SkipTrue: 1},
			bpf.RetConstant{Val: retNotify},
		)
	}
	return append(p, bpf.RetConstant{Val: retAllow})
}

// here are the ABIs of this machine.
func here() []abi { return abisOf(runtime.GOARCH) }

// abiOf is the ABI of a program start that was notified.
func abiOf(arch uint32, nr int32) (abi, bool) {
	for _, a := range here() {
		if a.arch == arch && (a.execve == uint32(nr) || a.execveat == uint32(nr)) {
			return a, true
		}
	}
	return abi{}, false
}

// changesRoot says of a call that was notified that it gives the process another
// root directory.
func changesRoot(arch uint32, nr int32) bool {
	return slices.ContainsFunc(here(), func(a abi) bool { return a.arch == arch && slices.Contains(a.root[:], uint32(nr)) })
}
