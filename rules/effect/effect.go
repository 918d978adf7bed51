package effect

import (
	"guardsh/rules/command"
	"guardsh/rules/word"
)

// Kind is what is done. The list is closed: add a kind rarely, add objects and
// attributes freely.
type Kind string

const (
	Create         Kind = "create"          // a new file or directory where there may be none
	WriteTree      Kind = "write-tree"      // many files below a directory
	Overwrite      Kind = "overwrite"       // a file's content replaced or changed in place
	Truncate       Kind = "truncate"        // a file's content thrown away
	Append         Kind = "append"          // a file made longer
	Delete         Kind = "delete"          // a name, with Recursive the tree below it
	Move           Kind = "move"            // a name goes elsewhere
	Metadata       Kind = "metadata"        // mode, owner, ACL, attributes, labels
	Format         Kind = "format"          // a new filesystem or other signature on a device
	Partition      Kind = "partition"       // a partition table is changed
	RawWrite       Kind = "raw-write"       // bytes onto a device, past its filesystem
	Mount          Kind = "mount"           //
	Remount        Kind = "remount"         //
	Unmount        Kind = "unmount"         //
	Fsck           Kind = "fsck"            // a filesystem repaired or tuned in place
	Stop           Kind = "stop"            // a service or unit
	Restart        Kind = "restart"         //
	Disable        Kind = "disable"         // does not start at boot any more; masked
	Kill           Kind = "kill"            // processes
	Power          Kind = "power"           // the machine goes down or starts again
	NetChange      Kind = "net-change"      // links, addresses, routes, rules, firewall
	ScheduleChange Kind = "schedule-change" // crontabs, at jobs, timers
	AccountChange  Kind = "account-change"  // users, groups, passwords, keys
	PackageRemove  Kind = "package-remove"  //
	PackageInstall Kind = "package-install" //
	BootChange     Kind = "boot-change"     // boot loader, initramfs, kernel, modules
	KernelChange   Kind = "kernel-change"   // sysctl, /proc and /sys switches
	GuestStop      Kind = "guest-stop"      // a container or virtual machine
	GuestMigrate   Kind = "guest-migrate"   //
	VolumeDelete   Kind = "volume-delete"   // logical volumes, pools, datasets, cloud disks
	VolumeChange   Kind = "volume-change"   // shrink, reset, detach
	DBChange       Kind = "db-change"       // statements that lose data
	ClusterChange  Kind = "cluster-change"  // kubernetes, ceph, pacemaker, terraform …
	RepoChange     Kind = "repo-change"     // version control: history or work lost
	RemoteRun      Kind = "remote-run"      // something is run on other hosts
	RunUnknown     Kind = "run-unknown"     // code that cannot be seen
	HistoryLoss    Kind = "history-loss"    // shell history
	GuardChange    Kind = "guard-change"    // guardsh itself is disabled or changed
	SessionEnd     Kind = "session-end"     // exit, logout, exec
)

// Known reports whether there is such a kind.
func (k Kind) Known() bool {
	switch k {
	case Create, WriteTree, Overwrite, Truncate, Append, Delete, Move, Metadata, Format, Partition, RawWrite, Mount, Remount, Unmount, Fsck, Stop, Restart, Disable,
		Kill, Power, NetChange, ScheduleChange, AccountChange, PackageRemove, PackageInstall, BootChange, KernelChange, GuestStop, GuestMigrate, VolumeDelete,
		VolumeChange, DBChange, ClusterChange, RepoChange, RemoteRun, RunUnknown, HistoryLoss, GuardChange, SessionEnd:
		return true
	}
	return false
}

// Type is what sort of thing an object is.
type Type string

const (
	Path      Type = "path"
	Device    Type = "device" // a path that names a device
	Service   Type = "service"
	Process   Type = "process"
	Host      Type = "host"
	Interface Type = "interface"
	Firewall  Type = "firewall"
	Route     Type = "route"
	Crontab   Type = "crontab"
	Account   Type = "account"
	Package   Type = "package"
	Container Type = "container"
	Guest     Type = "guest"
	Volume    Type = "volume"
	Database  Type = "database"
	Cluster   Type = "cluster"
	Repo      Type = "repo"
	Kernel    Type = "kernel"
	Code      Type = "code"
	Other     Type = "other"
)

// Object is what an effect falls on.
type Object struct {
	Type Type
	// Name is the exact name; for a path absolute, joined with the working
	// directory but otherwise as typed (a trailing slash and ".." stay, since
	// they mean something). "" when it is not known.
	Name string
	// Pattern is set instead of Name where a file name pattern was not
	// matched: an absolute pattern.
	Pattern string
	// Word is the word of the line that names it.
	Word word.Word
}

// Key names the object among a line's facts.
func (o Object) Key() string {
	n := o.Name
	if n == "" {
		n = "?" + o.Pattern + "?" + o.Word.Src
	}
	return string(o.Type) + ":" + n
}

// Display is the object for people: its name, its pattern, or its word.
func (o Object) Display() string {
	switch {
	case o.Name != "":
		return o.Name
	case o.Pattern != "":
		return o.Pattern
	}
	return o.Word.String()
}

// Effect is one thing that an action does to one object.
type Effect struct {
	Kind    Kind
	Object  Object
	Source  *Object             // what is read, for copies and moves
	Attrs   map[string]bool     // as the manifest names them: recursive, force, follow, dry …
	Params  map[string][]string // values worth knowing: mode, owner, label, size, signal; known ones only
	Command string              // the command's base name: rsync
	Look    string              // the line that shows what the command has charge of; "" none is known
	Action  int                 // index in the line's actions
	Certain command.Certainty
	Place   command.Place
	User    string // as in command.Action
	// What the line may have meant instead; nil nearly always.
	Split *Split  // the word and its neighbour, with a space between them
	Link  *Object // what a link that replaces something would point at
	Dir   *Object // the directory of the cd that has to fail before this happens
}

// Has reports whether an attribute is set.
func (e *Effect) Has(attr string) bool { return e.Attrs[attr] }
