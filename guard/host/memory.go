package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memory is what could be given to programs now, and what is swapped out, in
// bytes.
func memory() (available, swapped int64) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	return meminfo(string(b))
}

// meminfo reads the text of /proc/meminfo, whose sizes are in KiB.
func meminfo(text string) (available, swapped int64) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch n *= 1024; f[0] {
		case "MemAvailable:":
			available = n
		case "SwapTotal:":
			swapped += n
		case "SwapFree:", "SwapCached:":
			swapped -= n
		}
	}
	return available, max(swapped, 0)
}

// layers are the modules of interfaces that have no device of their own, by a
// file that such an interface has in sysfs.
var layers = [...]struct{ file, module string }{{"bonding", "bonding"}, {"bridge", "bridge"}, {"tun_flags", "tun"}}

// drivers is the kernel modules that an interface works with, and those below
// it.
func drivers(iface string) []string {
	if iface == "" {
		return nil
	}
	under := map[string]bool{}
	lower(iface, under, 0)
	var out []string
	for name := range under {
		dir := "/sys/class/net/" + name + "/"
		if m, err := os.Readlink(dir + "device/driver/module"); err == nil {
			out = append(out, filepath.Base(m))
		} else if d, err := os.Readlink(dir + "device/driver"); err == nil {
			out = append(out, filepath.Base(d)) // built in, or of another name
		}
		for _, l := range layers {
			if _, err := os.Lstat(dir + l.file); err == nil {
				out = append(out, l.module)
			}
		}
		if b, _ := os.ReadFile(dir + "uevent"); strings.Contains(string(b), "DEVTYPE=vlan") {
			out = append(out, "8021q")
		} else if strings.Contains(string(b), "DEVTYPE=wireguard") {
			out = append(out, "wireguard")
		}
	}
	return out
}
