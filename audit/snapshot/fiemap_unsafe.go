package snapshot

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// fiemapExtent and fiemapCall are struct fiemap_extent and struct fiemap of
// linux/fiemap.h, the latter with room for so many extents.
type fiemapExtent struct {
	Logical, Physical, Length uint64
	_                         [2]uint64
	Flags                     uint32
	_                         [3]uint32
}

type fiemapCall struct {
	Start, Length          uint64
	Flags, Mapped, Room, _ uint32
	Extents                [256]fiemapExtent
}

const (
	fsIocFiemap    = 0xc020660b // _IOWR('f', 11, struct fiemap)
	fiemapSync     = 0x1        // write delayed blocks first: they have no place before
	fiemapLastFlag = 0x1
)

// allocated is where a file has blocks, those included that were only zeroed:
// SEEK_DATA passes them over. A filesystem without FIEMAP keeps its zeroes as
// data, and SEEK_DATA says enough.
func allocated(fd int, size int64) ([][2]int64, error) {
	var rs [][2]int64
	call := new(fiemapCall)
	for at := uint64(0); ; {
		*call = fiemapCall{Start: at, Length: uint64(size) - at, Flags: fiemapSync, Room: uint32(len(call.Extents))}
		_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), fsIocFiemap, uintptr(unsafe.Pointer(call)))
		if e == unix.EOPNOTSUPP || e == unix.ENOTTY {
			return ranges(fd, size)
		}
		if e != 0 {
			return nil, e
		}
		for _, x := range call.Extents[:call.Mapped] {
			rs = append(rs, [2]int64{int64(x.Logical), int64(x.Length)})
			at = x.Logical + x.Length
			if x.Flags&fiemapLastFlag != 0 {
				return rs, nil
			}
		}
		if call.Mapped == 0 || at >= uint64(size) {
			return rs, nil
		}
	}
}
