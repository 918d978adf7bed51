package effect

// Attribute is one word of the vocabulary that manifests put on effects and
// that rules read.
type Attribute struct {
	Name    string
	Meaning string
}

// Vocabulary is every attribute that a built-in manifest may put on an effect.
// A site's manifest may use others for its own rules. A test holds the
// built-in manifests to this list.
var Vocabulary = []Attribute{
	// How far an act reaches.
	{"recursive", "the whole tree below the object, too"},
	{"contents", "what lies in the source directory is meant, not the directory under its own name (rsync a/, cp -T, cp a/., tar -x)"},
	{"into", "the object is known to be a directory that the source is put into (cp x dir/, -t dir, several sources)"},
	{"maybe-into", "the same if the object turns out to be a directory; if not it is the file itself"},
	{"inside", "the object is the name that results below the directory of an effect with into or maybe-into"},
	{"all", "everything of its kind, not only what is named (umount -a, exportfs -ua, kubectl delete --all, kill -1)"},
	{"pattern", "the object's name is a pattern or expression that the command itself matches (pkill, find)"},
	{"several", "more than one object stands behind it and the number is not known (find, xargs)"},
	{"filtered", "only what tests choose among the tree (find -name)"},
	{"job", "a job or process group of this very shell (kill %1)"},
	{"target-directory", "the destination was given by -t"},
	{"parents", "the directories above are made or kept, too (mkdir -p, cp --parents)"},
	{"one-filesystem", "does not cross mount points (-x)"},

	// How links are treated.
	{"follow", "goes through symbolic links that it meets"},
	{"nofollow", "acts on a symbolic link itself, never on what is behind it (-h, -P)"},
	{"keep-dirlinks", "a link to a directory at the destination is written through (rsync -K)"},
	{"link", "the object is made a symbolic or hard link"},
	{"symbolic", "a symbolic link"},
	{"relative", "a symbolic link whose text is made to fit where it stands (ln -r)"},
	{"no-target-directory", "the destination is the object itself, even where it is a directory (-T)"},
	{"through-slash", "the operand ends in a slash, which makes the command follow a link there"},

	// How careful it is.
	{"force", "does not ask and does not mind what stands in the way (-f)"},
	{"if-empty", "only an empty directory goes (rmdir)"},
	{"interactive", "asks before it acts, on its own (-i)"},
	{"no-preserve-root", "the tool's own guard of / is off"},
	{"no-clobber", "existing files are left alone (-n, >| not, noclobber)"},
	{"update", "only older files are replaced (-u)"},
	{"backup", "what is replaced is kept beside it (-b, --backup, sed -i.bak)"},
	{"yes", "answers the tool's own questions beforehand (-y)"},
	{"dry", "only says what it would do; an action with it has no effects at all"},
	{"verify", "only checks (-n, -N, --check); no effect on the object"},
	{"errors-continue", "goes on over a damaged filesystem (errors=continue)"},
	{"zero-log", "throws the filesystem's log away (xfs_repair -L)"},
	{"repair", "writes what it thinks is right (fsck -y, btrfs check --repair)"},
	{"no-deps", "dependencies are not looked at (rpm --nodeps, dpkg --force-all)"},
	{"purge", "configuration and data go, too (apt purge, userdel -r, --remove-all-storage)"},
	{"essential", "what the system itself needs may go (--allow-remove-essential)"},

	// What becomes of content and metadata.
	{"preserve", "owner, mode and times are kept (cp -a, -p, rsync -a)"},
	{"partial-preserve", "some of owner, mode, times, links are kept"},
	{"delete", "what the source does not have is deleted at the destination (rsync --delete); for a crontab: it is removed"},
	{"delete-excluded", "excluded files are deleted at the destination, too"},
	{"remove-source", "the source is deleted afterwards (mv, rsync --remove-source-files)"},
	{"inplace", "written into the same inode, so that links and open files see it"},
	{"replace", "a new file takes the name (rename over it)"},
	{"edit", "opened in an editor; the person decides"},
	{"empty", "the new content is known to be empty"},
	{"append", "the old content stays"},
	{"extract", "the content comes from an archive"},
	{"download", "the content comes from the network"},
	{"shred", "overwritten so that it cannot be brought back"},
	{"discard", "blocks are discarded; nothing can be brought back"},
	{"erase", "signatures, keys or a table are wiped"},
	{"grow", "made larger"},
	{"shrink", "made smaller"},
	{"redirect", "done by a redirection of the shell, not by the program"},
	{"setid", "a setuid or setgid bit is set"},
	{"world-writable", "everybody may write (chmod 777, o+w)"},
	{"no-access", "nobody may read or enter (chmod 000)"},
	{"immutable", "the immutable or append-only flag (chattr +i)"},
	{"mutable", "the immutable or append-only flag goes (chattr -i)"},
	{"label", "security labels (chcon, restorecon, setfacl)"},

	// Devices and mounts.
	{"table", "a whole partition table is replaced (mklabel, sgdisk -Z)"},
	{"menu", "a program with a menu (fdisk, cfdisk): what it does is decided inside"},
	{"remount", "an option of a mounted filesystem is changed"},
	{"read-write", "mounted or remounted rw"},
	{"read-only", "mounted or remounted ro"},
	{"bind", "a directory is shown elsewhere"},
	{"lazy", "detached now, cleaned up later (umount -l)"},
	{"swap", "swap space"},

	// Services, power, processes.
	{"now", "at once"},
	{"cancel", "a planned act is called off (shutdown -c)"},
	{"halt", "the machine halts"},
	{"poweroff", "the machine is switched off"},
	{"reboot", "the machine starts again"},
	{"suspend", "sleep or hibernate"},
	{"rescue", "to single-user or emergency mode"},
	{"kexec", "another kernel without firmware"},
	{"no-sync", "without writing caches first (reboot -f, sysrq b)"},
	{"reload", "configuration read again; it keeps running"},
	{"user", "a user's own service manager (systemctl --user)"},
	{"isolate", "every other unit stops"},
	{"mask", "cannot be started any more"},
	{"enable", "starts at boot"},
	{"self", "acts on the session that types it"},
	{"term", "may be caught: TERM, HUP, INT"},
	{"kill", "cannot be caught: KILL"},
	{"harmless", "signal 0, WINCH, CONT, CHLD or the like"},
	{"mount-users", "the processes that use a mount or file (fuser -k)"},

	// Networks.
	{"down", "a link goes down"},
	{"up", "a link comes up"},
	{"restart", "down and up again"},
	{"flush", "every entry goes"},
	{"remove", "one entry or name goes"},
	{"add", "one entry is added"},
	{"default", "the default route or policy"},
	{"drop", "packets are dropped or rejected from now on"},
	{"input", "incoming packets"},
	{"output", "outgoing packets"},
	{"rule", "a routing rule, not a route"},
	{"load", "a whole saved state replaces the present one (iptables-restore)"},

	// What guards the machine, and what it goes by.
	{"weaken", "something that guards this machine is switched off (setenforce 0, auditctl -D)"},
	{"time", "the clock is set"},
	{"name", "the host gets another name"},
	{"vacuum", "old of it goes, up to a limit"},

	// Accounts and schedules.
	{"stack", "how every login is checked (PAM)"},
	{"shell", "another login shell"},
	{"expire", "the password has to be changed"},
	{"move", "the home directory moves"},
	{"autoremove", "what nothing needs any more goes, too"},
	{"lock", "cannot log in any more"},
	{"password", "a password is set or removed"},
	{"group", "a group, not a user"},

	// Where data goes.
	{"data", "data goes that nothing else may hold (volumes, images, databases)"},
	{"unused", "only what nothing uses at the moment (docker prune)"},
	{"compose", "a group of containers, by the service's name"},
	{"subvolume", "a btrfs subvolume"},
	{"resizefs", "the filesystem is resized along"},
	{"start", "something is started here that may run elsewhere"},
	{"playbook", "a whole playbook, not one command"},
	{"map", "a shared image is attached here"},
	{"snapshot", "a snapshot or backup, not the thing itself"},
	{"detach", "taken out of service; data stays"},
	{"namespace", "a whole namespace, project or database"},
	{"rewrite", "published history is replaced (git push --force)"},
	{"worktree", "uncommitted work is lost (git reset --hard)"},
	{"untracked", "files that version control does not hold are deleted (git clean)"},
	{"ignored", "ignored files, too (git clean -x)"},
	{"list", "only shows; no effect"},
	{"to-stdout", "the content goes to the output, not to files (tar -O)"},
	{"absolute-names", "names in an archive count from / (tar -P)"},
	{"create", "something new is made; nothing is lost"},
	{"create-dir", "the directory itself is made"},
}
