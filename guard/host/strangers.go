package host

import (
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxStrangerNames bounds what is told by name.
const maxStrangerNames = 4

// strangers counts what is below dir and not below other, which is what a
// mirror of other over dir deletes. A directory that other does not have
// counts with all that is in it, as far as the time goes. File systems that
// are mounted below are left alone.
func (a *answer) strangers(dir, other string, until time.Time) {
	var top unix.Stat_t
	if unix.Lstat(dir, &top) != nil {
		return
	}
	type pair struct {
		rel     string
		strange bool
	}
	todo := []pair{{}}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		f, err := os.OpenFile(filepath.Join(dir, at.rel), os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
		if err != nil {
			a.More = true
			continue
		}
		fd := int(f.Fd())
		for {
			names, err := f.Readdirnames(256)
			for _, name := range names {
				var st, twin unix.Stat_t
				if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
					continue
				}
				rel := filepath.Join(at.rel, name)
				strange := at.strange || unix.Lstat(filepath.Join(other, rel), &twin) != nil
				if at.rel == "" {
					a.Own++
				}
				if strange {
					a.Entries++
					if at.rel == "" {
						a.Top++
						if len(a.Names) < maxStrangerNames {
							a.Names = append(a.Names, name)
						}
					}
				}
				if st.Mode&unix.S_IFMT == unix.S_IFDIR && st.Dev == top.Dev {
					todo = append(todo, pair{rel, strange})
				}
			}
			if err != nil {
				break
			}
			if a.Entries >= maxEntries || time.Now().After(until) {
				f.Close()
				a.More = true
				return
			}
		}
		f.Close()
	}
}
