package guard

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing/fstest"

	"guardsh/guard/proc"
	"guardsh/rules"
)

// policy is the part of the configuration that the rules take.
func (c *Config) policy(at Place) rules.Policy {
	p := rules.Policy{
		Protected:   c.Protected,
		Unprotected: c.Unprotected,
		Scratch:     c.Scratch,
		Labels:      c.Labels,
		Names:       c.Names,
	}
	p.Own = c.own(at)
	for _, n := range c.Notes {
		p.Notes = append(p.Notes, rules.Note{Object: string(n.About) + ":" + n.Name, Text: n.Text})
	}
	return p
}

// sudoLink is where an installation leads a typed sudo to guardsh.
const sudoLink = "/usr/local/bin/sudo"

// own is where guardsh's own files are here.
func (c *Config) own(at Place) (own []rules.Own) {
	add := func(what string, paths ...string) {
		for _, p := range paths {
			if !filepath.IsAbs(p) {
				continue
			}
			own = append(own, rules.Own{Path: p, What: what})
			if real, err := proc.RealName(p); err == nil && real != p {
				own = append(own, rules.Own{Path: real, What: what})
			}
		}
	}
	self, err := os.Readlink("/proc/self/exe")
	if err == nil {
		own = append(own, rules.Own{Path: self, What: rules.OwnProgram})
		if to, err := proc.RealName(sudoLink); err == nil && to == self {
			own = append(own, rules.Own{Path: sudoLink, What: rules.OwnDoors})
		}
	}
	add(rules.OwnState, at.State)
	add(rules.OwnConfiguration, at.Config.Etc)
	if at.Config.User != "" {
		add(rules.OwnConfiguration, filepath.Dir(at.Config.User))
	}
	for _, base := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir()} {
		if filepath.IsAbs(base) {
			own = append(own, rules.Own{Path: filepath.Join(base, "guardsh.[0-9]*"), What: rules.OwnRuntime})
		}
	}
	add(rules.OwnTrail, cmp.Or(at.Trail, c.Trail))
	add(rules.OwnSnapshots, cmp.Or(at.Store, c.Snapshots.Store))
	return own
}

// sourceFS is files that were read already, for the loaders, under their full
// names without the first slash: it stands in front again in positions.
func sourceFS(files []SiteFile) fs.FS {
	m := fstest.MapFS{}
	for _, f := range files {
		m[strings.TrimPrefix(path.Clean(f.Name), "/")] = &fstest.MapFile{Data: f.Data}
	}
	return m
}
