// Package effect says what actions do to the machine: which files, devices,
// services, accounts … a line would change, and how. What a command does is
// data where data can say it (a manifest), and Go where not.
//
// # Manifests
//
// A manifest is one YAML file for a command, or for several that are alike.
// A site's own have the same format and the same powers ([Knowledge.Add]).
// It is read when a line first names one of its commands; those of the built-in
// ones stand in commands.go, which go generate writes.
//
//	commands: [mirror]
//	summary: copies trees to the other site
//	style: gnu
//	options: |
//	  -r --recursive      : recursive
//	  -f --force          : force !careful
//	  -c --careful        : careful
//	  -n --dry-run        : dry
//	  -t --target =dest
//	  --bandwidth =rate
//	  --wipe              : _wipe
//	operands: source... dest
//	remote: [dest]
//	derive:
//	  - attrs: [all]
//	    when: '"everything" in source'
//	effects:
//	  - kind: write-tree
//	    object: dest
//	    source: source
//	    attrs: [contents]
//	    params: [rate]
//	  - kind: delete
//	    object: source
//	    when: _wipe && !careful
//	snapshot: files
//	dry_run: -n
//	look: mirror --list
//	examples:
//	  - line: mirror -rt /srv/b a
//	    effects: ["write-tree /srv/b from /w/a : recursive contents"]
//	  - line: mirror --wipe a web1:/srv
//	    effects: ["write-tree web1:/srv", delete /w/a]
//	  - line: mirror -n a b
//	    effects: []
//
// commands are base names; "mkfs.*" stands for mkfs.ext4 and all its family.
//
// style says how arguments are read, several words may be given: gnu (default:
// options anywhere, long ones abbreviated), posix (options end at the first
// operand), long-dash (-name), key-value (if=x, kept under "if"), bundle (tar
// xpf), exact (long options are not abbreviated), plus (+x is an option), popt (-x=value is -x value),
// words (options need no dash: ip link set dev eth0 down).
//
// options is the grammar of package option, an option a line: names, "=name"
// for an argument, "[=name]" for one that may be attached, attributes behind
// " : " ("!" clears one). --help and --version are known everywhere and have no
// effect. The attribute dry means the same: an action with it does nothing.
// Attributes that begin with "_" are the manifest's own and do not reach rules;
// the others are best taken from [Vocabulary], which the rules know.
//
// operands names the operands' roles: name, name... (one may repeat), [name],
// [name...]. An option's argument of the same name fills the role, so that
// "-t DIR" and a last operand are the same dest.
//
// derive sets attributes where a condition holds, in order, before the effects.
//
// effects: kind and type (default path) are those of this package. object is a
// role or an option's argument; there is one effect for each value it may have.
// name stands for it where it has none ("" is allowed: this host, every crontab
// …). source is what is read, attrs are added to those that options set, params
// are roles or arguments whose known values rules may see.
//
// A condition is an expression (expr-lang) over all declared attributes (true or
// false), roles and arguments (lists of text), operands (all of them) and name
// (the command's base name). A dash in a name is written "_". A misspelt name
// is an error when the manifest is loaded.
//
// verbs are subcommands, to any depth; each has options, operands, derive,
// effects and verbs of its own:
//
//	verbs:
//	  stop halt:             # two names
//	    operands: unit...
//	    effects:
//	      - {kind: stop, object: unit, type: service}
//	  "*": {}                # any other word, which stays an operand
//
// The options of the levels above hold below, too, unless own: true. prefix:
// true allows verbs to be abbreviated; default names the verb that is meant
// when none is given. An unknown verb has no effects.
//
// code names a Go function of this package for what data cannot say. It runs
// before derive and effects.
//
// snapshot names what keeps the things that are changed; dry_run is the
// command's native dry run; look is the line that shows what the command has
// charge of, which a rule may tell to type first ("{name}" in it is the command).
//
// examples are run when the manifest is loaded, in the directory /w: each line
// must have exactly the effects that are written, as "kind object", with "from
// source" and, behind " : ", attributes that must be there or ("!x") must not. A
// manifest without one example that has an effect and one that has none does
// not load.
//
// # How each kind is filled in
//
// Rules rely on this; a change here is a change of the format.
//
// Files. Object.Type is path and Object.Name is absolute, as typed. Every tool
// that writes files uses the same kinds: cp, mv, install, rsync, tar, dd, tee, a
// redirection.
//
//	create       a new file, directory or link; with into the directory that it is made in
//	write-tree   Object the directory that files are put into. Source the tree (contents says
//	             that its own name is not part of it), nil for archives
//	overwrite    one file gets new content; Source where it comes from, if a file.
//	             edit: an editor; inplace: same inode; partial: the rest stays
//	truncate     the content goes ("> f", truncate -s, cp /dev/null f): empty
//	append       ">>", tee -a
//	delete       recursive: the tree
//	move         Object the old name, Source nil, Params["to"] the new one. A second effect
//	             (overwrite or write-tree, remove-source) falls on the destination
//	metadata     Params: mode, owner, group as typed
//
// "cp x dest" cannot know whether dest is a directory. It has two effects: one
// on dest (maybe-into) and one on dest/x (inside, maybe-into). Where dest is
// known to be one ("dest/", "-t dest", several sources) the first is a create
// with into, one for all sources, and the second has inside and into. With -r what
// is inside is a write-tree. A content without a name of its own ("a/.", rsync's
// "a/", -T) is one write-tree on dest with contents. A rule about a file's content reads facts: an
// overwrite of what exists as a directory is no overwrite of a file.
//
// Writes to /dev become raw-write on a device (not /dev/null, zero, full, random,
// tty*, pts, std*, fd, shm, mqueue, tcp, udp: no effect, or plain file below shm). Writes
// to /proc/sys and /sys become kernel-change with the path as object and
// Params["value"] where it is known; /proc/sysrq-trigger becomes power with
// reboot (b, c), poweroff (o), or kernel-change.
//
// Devices. Object.Type is device, Name the path. format, partition, raw-write,
// fsck (also tune2fs, with errors-continue), volume-change. Mounts: mount and remount
// have the mount point as a path object and Params["device"], ["options"]; a mount with a
// device has Source the device. unmount has what was named (a path), and with all
// the name "".
//
// What a line itself links or mounts counts for what follows: behind "ln -s /usr u"
// an object u/x is /usr/x. Params["text"] is what is written to a file by which
// logins are let in.
//
// Services: Object.Type service, Name without ".service" ("nfs", "ssh.socket"
// keeps its suffix). networking, network, NetworkManager, systemd-networkd, sshd
// are services; rules know that they carry a session. service(8), init scripts,
// rc-service and systemctl are alike. Disable has mask where that is meant.
//
// Power: Object host, Name "" (this machine; rules use the host's own name), with reboot,
// poweroff, halt, rescue, suspend; cancel has no effect. Params["when"].
//
// Kill: Object process, Name the pid, name or pattern as typed ("-1" with all), Params["signal"]
// without SIG, Params["process"] the program that is meant where the line says so,
// also by $(pidof X), X.pid or ps | grep X. fuser -k: Object path and mount-users. kill -0 has no effect.
//
// Net-change: Object interface (Name eth0), route (Name "default", a prefix, or ""
// for all), firewall (Name the table/chain, "" for all) or service.
//
// Schedule-change: Object crontab, Name the user, "" the effect's own user.
// delete: removed; Source and replace: replaced by that file ("-" is standard input, empty
// where that is known to be empty); edit: an editor. at/atrm/timers: Object other.
//
// Account-change: Object account. Package-remove, package-install: Object package.
// Guard-change: Object other: guardsh, snapshots; shell, one that is opened beside
// the gate; gate, what the line leaves of it (command.Left), with Params["names"]
// and own, later or lost where it is more than one variable of two.
// History-loss, session-end: Object other.
package effect
