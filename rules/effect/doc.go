package effect

/*
How each kind is filled in. Rules rely on this; a change here is a change of
the format.

Files. Object.Type is path and Object.Name is absolute, as typed. Every tool
that writes files uses the same kinds: cp, mv, install, rsync, tar, dd, tee, a
redirection.

	create       a new file, directory or link; with into the directory that it is made in
	write-tree   Object the directory that files are put into. Source the tree (contents says
	             that its own name is not part of it), nil for archives
	overwrite    one file gets new content; Source where it comes from, if a file.
	             edit: an editor; inplace: same inode
	truncate     the content goes ("> f", truncate -s, cp /dev/null f): empty
	append       ">>", tee -a
	delete       recursive: the tree
	move         Object the old name, Source nil, Params["to"] the new one. A second effect
	             (overwrite or write-tree, remove-source) falls on the destination
	metadata     Params: mode, owner, group as typed

"cp x dest" cannot know whether dest is a directory. It has two effects: one
on dest (maybe-into) and one on dest/x (inside, maybe-into). Where dest is
known to be one ("dest/", "-t dest", several sources) the first has into and
the second inside, certain. A rule about a file's content reads facts: an
overwrite of what exists as a directory is no overwrite of a file.

Writes to /dev become raw-write on a device (not /dev/null, zero, full, random,
tty*, pts, std*, fd, shm, mqueue, tcp, udp: no effect, or plain file below shm). Writes
to /proc/sys and /sys become kernel-change with the path as object and
Params["value"] where it is known; /proc/sysrq-trigger becomes power with
reboot (b, c), poweroff (o), or kernel-change.

Devices. Object.Type is device, Name the path. format, partition, raw-write,
fsck (also tune2fs, with errors-continue), volume-change. Mounts: mount and remount
have the mount point as a path object and Params["device"], ["options"]; a mount with a
device has Source the device. unmount has what was named (a path), and with all
the name "".

Services: Object.Type service, Name without ".service" ("nfs", "ssh.socket"
keeps its suffix). networking, network, NetworkManager, systemd-networkd, sshd
are services; rules know that they carry a session. service(8), init scripts,
rc-service and systemctl are alike. Disable has mask where that is meant.

Power: Object host, Name "" (this machine; rules use the host's own name), with reboot,
poweroff, halt, rescue, suspend; cancel has no effect. Params["when"].

Kill: Object process, Name the pid, name or pattern as typed ("-1" with all), Params["signal"]
without SIG. fuser -k: Object path and mount-users. kill -0 has no effect.

Net-change: Object interface (Name eth0), route (Name "default", a prefix, or ""
for all), firewall (Name the table/chain, "" for all) or service.

Schedule-change: Object crontab, Name the user, "" the effect's own user.
delete: removed; Source and replace: replaced by that file ("-" is standard input, empty
where that is known to be empty); edit: an editor. at/atrm/timers: Object other.

Account-change: Object account. Package-remove, package-install: Object package.
History-loss, guard-change, session-end: Object other.
*/
