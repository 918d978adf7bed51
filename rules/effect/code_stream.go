package effect

import (
	"strings"

	"guardsh/rules/word"
)

// lineProtocol is nc, telnet and socat: what they read goes to a server that
// takes each line as a command.
func lineProtocol(c *call) {
	if text, ok := c.input(); ok {
		c.protocol(text)
	}
}

// protocol reads what is sent to a port for the commands of those servers
// that are talked to in this way: memcached and redis.
func (c *call) protocol(text string) {
	lines := strings.Split(strings.NewReplacer("\r", "", `\r`, "").Replace(text), "\n")
	if strings.HasPrefix(lines[0], "*") {
		// Redis' own form: a count, and each word behind its length.
		var words []string
		for _, l := range lines {
			if !strings.HasPrefix(l, "*") && !strings.HasPrefix(l, "$") {
				words = append(words, l)
			}
		}
		lines = []string{strings.Join(words, " ")}
	}
	for _, l := range lines {
		f := strings.Fields(l)
		switch {
		case len(f) == 0:
		case strings.EqualFold(f[0], "flush_all"):
			c.database(word.Lit(l), "flush_all", "all", "data", "delete")
		case len(f) > 1 || !strings.EqualFold(f[0], "shutdown"):
			c.redis(word.Lits(f...))
		}
	}
}

// backupOrders is bconsole: what it is told on its input. A restore goes to
// where= on the client, and over the files themselves where that is a slash.
func backupOrders(c *call) {
	for _, w := range c.fed() {
		for l := range strings.Lines(w.String()) {
			f := strings.Fields(strings.ToLower(l))
			if len(f) < 2 {
				continue
			}
			switch f[0] {
			case "delete", "purge", "prune", "truncate":
				what := strings.Fields(l)[1]
				e := c.effect(VolumeDelete, "snapshot")
				if f[0] == "prune" {
					e.mark("vacuum") // what is past its time
				}
				c.emit(e, Object{Type: Volume, Name: what, Word: word.Lit(what)})
			case "restore":
				for _, x := range strings.Fields(l)[1:] {
					if dir, ok := strings.CutPrefix(x, "where="); ok {
						c.emitWord(c.effect(WriteTree, "extract", "contents", "recursive"), Path, word.Lit(dir), false)
					}
				}
			}
		}
	}
}

// agedFiles is tmpreaper and its relatives: below the directories that they
// are given goes what nobody has used for a time.
func agedFiles(c *call) {
	dirs := c.values("word")
	if c.name == "systemd-tmpfiles" {
		// Everything that its configuration names, which is /home and /srv, too.
		// Which of it a file of lines would leave is not looked into.
		if c.has("_purge") {
			c.emitWord(c.effect(Delete, "recursive", "force"), Path, word.Lit("/home"), false)
		}
		return
	}
	if c.has("_test") && c.name != "stmpclean" || len(dirs) < 2 {
		return
	}
	e := c.effect(Delete, "recursive", "force", "several", "filtered", "aged")
	for _, w := range dirs[1:] { // the first is the time
		c.emitWord(e, Path, w, false)
	}
}

// framework is what takes a project's database away: rails, artisan, manage.py.
// Whether it is the one that counts stands in the environment or on the line.
func framework(c *call) {
	production := func(s string) bool { return strings.HasPrefix(strings.ToLower(s), "prod") }
	for _, v := range c.text("env") {
		if production(v) {
			c.set("_production")
		}
	}
	for _, v := range c.text("task") {
		// rake and rails take NAME=value behind the task, and Laravel has to
		// be forced in production only.
		if _, val, ok := strings.Cut(v, "="); ok && production(val) || ok && strings.HasPrefix(v, "DISABLE_DATABASE_ENVIRONMENT_CHECK=") {
			c.set("_production")
		}
	}
	if c.name == "artisan" && c.has("force") {
		c.set("_production")
	}
	for _, a := range c.action.Env {
		if v, ok := a.Value.Value(); ok && production(v) {
			c.set("_production")
		}
	}
}

// yesInput marks a program whose questions are answered by its input: <<< y,
// yes | …
func yesInput(c *call) {
	if text, ok := c.input(); ok && (strings.HasPrefix(text, "y") || strings.HasPrefix(text, "Y")) {
		c.set("_yes")
		return
	}
	for _, i := range c.action.Stdin.From {
		if i >= 0 && i < len(c.line.Actions) {
			if name, ok := c.line.Actions[i].Name(); ok && name == "yes" {
				c.set("_yes")
			}
		}
	}
}

// ldifChanges is ldapmodify: entries whose changetype is delete, in what it reads.
func ldifChanges(c *call) {
	if c.name != "ldapmodify" {
		return
	}
	for _, w := range c.fed() {
		entry := ""
		for l := range strings.Lines(withHoles(w)) {
			key, value, _ := strings.Cut(strings.TrimSpace(l), ":")
			value = strings.TrimSpace(value)
			switch {
			case strings.EqualFold(key, "dn"):
				entry = value
			case strings.EqualFold(key, "changetype") && strings.EqualFold(value, "delete"):
				c.database(w, entry, "delete")
			}
		}
	}
}
