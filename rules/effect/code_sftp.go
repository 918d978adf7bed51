package effect

import (
	"path"
	"strings"

	"guardsh/rules/word"
)

// sftpBatch is sftp: what it copies by its operands, and the commands that it
// reads.
func sftpBatch(c *call) {
	copyFiles(c)
	if len(c.args.Operands) == 0 {
		return
	}
	host, _, _ := strings.Cut(c.args.Operands[0].String(), ":")
	for _, text := range c.fed() {
		dir := ""
		for _, l := range strings.Split(text.String(), "\n") {
			f := strings.Fields(strings.TrimLeft(l, "-@ \t"))
			for i := 1; i < len(f); {
				if strings.HasPrefix(f[i], "-") {
					f = append(f[:i], f[i+1:]...)
				} else {
					i++
				}
			}
			if len(f) < 2 {
				continue
			}
			there := func(name string) word.Word {
				if !path.IsAbs(name) {
					name = path.Join(dir, name)
				}
				return word.Lit(host + ":" + name)
			}
			switch f[0] {
			case "cd":
				dir = path.Join(dir, f[1])
				if path.IsAbs(f[1]) {
					dir = f[1]
				}
			case "rm":
				for _, name := range f[1:] {
					c.emitWord(c.effect(Delete), Path, there(name), true)
				}
			case "rename":
				e := c.effect(Move)
				if len(f) > 2 {
					e.param("to", f[2])
				}
				c.emitWord(e, Path, there(f[1]), true)
			case "put":
				c.emitWord(c.effect(Overwrite), Path, there(append(f, path.Base(f[1]))[2]), true)
			}
		}
	}
}
