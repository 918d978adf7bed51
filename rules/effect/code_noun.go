package effect

import "guardsh/rules/word"

// nounVerb takes apart what is said as "compute instances delete web1": the
// nouns, the verb, and what it falls on. The verb is the first word that is
// one, and never the first of all where another follows: "image delete x",
// "delete cluster x". Words that are not known are no verbs.
func nounVerb(c *call) {
	ops := c.args.Operands
	at := -1
	for i, w := range ops {
		v, known := w.Value()
		if !known || !isVerb(v) {
			continue
		}
		if i == 0 && c.name == "gcloud" && len(ops) > 2 {
			continue // a group of commands: run services delete
		}
		if i+1 < len(ops) && nounToo(v) {
			// "backup delete daily": a backup is a thing here.
			if next, _ := ops[i+1].Value(); isVerb(next) {
				continue
			}
		}
		at = i
		break
	}
	if at < 0 {
		c.args.Values["noun"] = ops
		return
	}
	noun, target := ops[:at:at], ops[at+1:]
	if at == 0 && len(target) > 0 {
		// "delete cluster x": what is deleted stands first.
		noun, target = target[:1:1], target[1:]
	}
	c.args.Values["noun"], c.args.Values["verb"] = noun, ops[at:at+1:at+1]
	if len(c.args.Values["target"]) == 0 {
		c.args.Values["target"] = append([]word.Word(nil), target...)
	}
}

// nounToo reports whether a verb also names what another verb falls on.
func nounToo(verb string) bool {
	switch verb {
	case "backup", "snapshot", "restore", "image", "config", "log", "logs", "run", "export", "import", "version", "install", "scale":
		return true
	}
	return false
}

// isVerb reports whether such programs say by a word what to do. Reading ones are
// among them, so that "list delete" is a listing.
func isVerb(s string) bool {
	switch s {
	case "list", "ls", "show", "get", "describe", "info", "status", "inspect", "logs", "log", "help", "search", "find", "history", "plan", "diff", "view", "cat",
		"print", "export", "events", "watch", "top", "version", "usage", "config", "login", "auth", "whoami", "ssh", "scp", "exec", "shell", "console", "attach-console",
		"port-forward", "check", "validate", "test", "count", "query", "wait", "open", "add", "create", "new", "make", "init", "start", "run", "up", "apply", "deploy",
		"install", "set", "update", "edit", "put", "sync", "copy", "cp", "upload", "download", "import", "push", "pull", "enable", "attach", "clone", "resize",
		"scale", "register", "tag", "label", "restore", "backup", "snapshot", "save", "mount", "resume", "unpause", "unlock", "unset", "annotate", "patch", "delete",
		"rm", "remove", "del", "destroy", "purge", "terminate", "stop", "shutdown", "poweroff", "kill", "reset", "reboot", "restart", "drop", "disable", "detach",
		"drain", "evict", "rebuild", "reinstall", "halt", "deallocate", "uninstall", "wipe", "clear", "flush", "prune", "leave", "revoke", "rollback", "failover",
		"promote", "suspend", "pause", "undeploy", "reclaim", "mb", "rb", "deregister", "delete-batch", "delete-all", "bulk-delete", "cleanup", "archive", "expire",
		"abort", "cancel", "redeploy", "power-off", "force-delete", "pull-down", "rename", "move", "mv", "migrate":
		return true
	}
	return false
}
