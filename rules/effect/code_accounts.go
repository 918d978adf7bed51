package effect

import (
	"strings"

	"guardsh/rules/word"
)

// groupsAndUsers is groupdel and its neighbours; what only adds has no effect.
func groupsAndUsers(c *call) {
	ops := c.args.Operands
	emit := func(w word.Word, attrs ...string) {
		for _, o := range named(Account, w) {
			c.emit(c.effect(AccountChange, attrs...), o)
		}
	}
	switch c.name {
	case "groupdel", "delgroup":
		if len(ops) > 0 {
			emit(ops[0], "remove", "group")
		}
	case "groupmod":
		if len(ops) == 0 {
			return
		}
		for _, how := range [...]string{"gid", "newname"} {
			if v := c.text(how); len(v) > 0 {
				e := c.effect(AccountChange, "group", "changed")
				e.param(how, v...)
				c.emit(e, named(Account, ops[0])[0])
			}
		}
	case "gpasswd", "groupmems":
		group := ops
		if g := c.values("ofgroup"); c.name == "groupmems" && len(g) > 0 {
			group = g
		}
		for _, w := range c.values("user") {
			e := c.effect(AccountChange, "remove", "group")
			e.param("group", texts(group)...)
			for _, o := range named(Account, w) {
				c.emit(e, o)
			}
		}
		if (len(c.values("list")) > 0 && hasOption(c, "-M", "--members") || c.has("_purge")) && len(group) > 0 {
			emit(group[0], "remove", "group", "all")
		}
	case "useradd", "adduser":
		for _, v := range c.text("uid") {
			if v == "0" && len(ops) > 0 {
				e := c.effect(AccountChange)
				e.param("uid", v)
				c.emit(e, named(Account, ops[0])[0])
			}
		}
	case "chpasswd", "newusers", "chgpasswd":
		text, ok := c.input()
		if !ok {
			text, ok = c.action.Given.Value()
		}
		if ok && c.name == "chpasswd" {
			c.setPasswords(text)
			return
		}
		e := c.effect(AccountChange, "password", "all")
		if c.name == "chpasswd" && hasOption(c, "-e", "--encrypted") {
			e.mark("lock")
		}
		c.emit(e, Object{Type: Account, Word: word.Lit("")})
	case "pwunconv", "grpunconv":
		c.emit(c.effect(AccountChange, "all"), Object{Type: Account, Word: word.Lit("")})
	}
}

// setPasswords is chpasswd's input, a line "user:password" each. With -e it is
// what stands in /etc/shadow, where a text that is no hash lets nobody in.
func (c *call) setPasswords(text string) {
	hashed := hasOption(c, "-e", "--encrypted")
	for l := range strings.Lines(text) {
		user, password, ok := strings.Cut(strings.TrimSpace(l), ":")
		if !ok || user == "" {
			continue
		}
		e := c.effect(AccountChange, "password")
		switch {
		case password == "":
			e.mark("empty", "remove")
		case hashed && !strings.HasPrefix(password, "$") && !strings.HasPrefix(password, "_") && len(password) != 13:
			e.mark("lock")
		}
		c.emit(e, Object{Type: Account, Name: user, Word: word.Lit(user)})
	}
}
