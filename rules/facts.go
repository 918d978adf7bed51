package rules

import (
	"time"

	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// World is the machine that a line would run on: this one (guard/host), or the
// ordinary server that --hypothetical imagines (rules/hypothetical).
type World interface {
	command.Files
	// Facts looks up what the rules need to know about the effects' objects,
	// each with its deadline. It never fails: what cannot be had is in the
	// facts' Unknown.
	Facts(line *command.Line, effects []effect.Effect) *Facts
}

// Facts is what a world says about one line. It is written to the trail as
// JSON, so that a recorded line can be judged again.
type Facts struct {
	Host    HostFact               `json:"host" expr:"host"`
	Session SessionFact            `json:"session" expr:"session"`
	Objects map[string]*ObjectFact `json:"objects,omitempty"` // by effect.Object.Key()
	Took    time.Duration          `json:"took,omitempty"`
}

// Of is the facts about an object; never nil.
func (f *Facts) Of(o effect.Object) *ObjectFact {
	if f != nil {
		if of := f.Objects[o.Key()]; of != nil {
			return of
		}
	}
	return &ObjectFact{}
}

// ObjectFact is what is known of one object. Only the parts that fit its type
// are filled; the others are zero, so that a rule may always read them.
type ObjectFact struct {
	Path    PathFact    `json:"path,omitzero" expr:"path"`
	Device  DeviceFact  `json:"device,omitzero" expr:"device"`
	Crontab CrontabFact `json:"crontab,omitzero" expr:"crontab"`
	Service ServiceFact `json:"service,omitzero" expr:"service"`
	Link    LinkFact    `json:"link,omitzero" expr:"link"`
	Repo    RepoFact    `json:"repo,omitzero" expr:"repo"`
	Runs    RunsFact    `json:"runs,omitzero" expr:"runs"`
	Same    []SameJob   `json:"same,omitempty" expr:"same"`
	Tells   []string    `json:"tells,omitempty" expr:"tells"` // said with every finding about it: "context prod, cluster …"
	Account AccountFact `json:"account,omitzero" expr:"account"`
	Unknown []string    `json:"unknown,omitempty" expr:"unknown"` // "real path: no answer within 50 ms"
}

// Class says how much the system leans on a path. It is an alias, so that a
// rule may compare it with a string.
type Class = string

const (
	Ordinary Class = ""        //
	Root     Class = "root"    // / itself
	System   Class = "system"  // a tree or file that the system cannot run, boot or be logged into without
	Inside   Class = "inside"  // below a system tree
	HomeRoot Class = "home"    // a home directory itself, or the directory of all of them
	MountAt  Class = "mount"   // the root of a mounted filesystem
	Site     Class = "site"    // named by the site's configuration
	Scratch  Class = "scratch" // /tmp, build output, caches
	Special  Class = "special" // /dev, /proc, /sys entries
)

// PathFact is what a path is now. For a pattern it is about everything that
// the pattern could match: Class is the highest of them.
type PathFact struct {
	Real      string   `json:"real,omitempty" expr:"real"`           // with every link resolved that the command would follow
	Exists    bool     `json:"exists,omitempty" expr:"exists"`       //
	Type      string   `json:"type,omitempty" expr:"type"`           // file, dir, link, block, char, fifo, socket
	Link      string   `json:"link,omitempty" expr:"link"`           // the real path behind it, if its last component is a link
	Follows   bool     `json:"follows,omitempty" expr:"follows"`     // the act goes through that link (a trailing slash, a write)
	Class     Class    `json:"class,omitempty" expr:"class"`         // of Real
	Protected []string `json:"protected,omitempty" expr:"protected"` // the protected paths that the act would reach, by name
	Account   bool     `json:"account,omitempty" expr:"account"`     // an account or authority file: passwd, shadow, group, sudoers …
	Kernel    bool     `json:"kernel,omitempty" expr:"kernel"`       // a kernel, initramfs or module
	Loader    bool     `json:"loader,omitempty" expr:"loader"`       // dynamic loader, libc or what they need
	Config    bool     `json:"config,omitempty" expr:"config"`       // a configuration file (below /etc or named so)
	Mount     string   `json:"mount,omitempty" expr:"mount"`         // mount point it lies on
	FSType    string   `json:"fstype,omitempty" expr:"fstype"`       //
	ReadOnly  bool     `json:"readonly,omitempty" expr:"readonly"`
	Entries   int      `json:"entries,omitempty" expr:"entries"`     // in the tree, the top included (bounded: see More)
	Bytes     int64    `json:"bytes,omitempty" expr:"bytes"`         // apparent size of the tree
	More      bool     `json:"more,omitempty" expr:"more"`           // there is more than Entries and Bytes say
	Size      int64    `json:"size,omitempty" expr:"size"`           // of a file
	Mode      string   `json:"mode,omitempty" expr:"mode"`           // in octal: 0644; asked for where a mode is changed
	Overwrite []string `json:"overwrite,omitempty" expr:"overwrite"` // write-tree: protected entries that the source holds too
	// Writes is how many entries a write-tree would put there, as far as the
	// source was counted; WritesMore: there are more.
	Writes     int  `json:"writes,omitempty" expr:"writes"`
	WritesMore bool `json:"writes_more,omitempty" expr:"writesMore"`

	// Strangers is how many entries of a tree that is mirrored over the source
	// does not have; StrangersMore: there are more. Of those right in it,
	// StrangerNames are the first, and Own is how many it has in all.
	Strangers     int      `json:"strangers,omitempty" expr:"strangers"`
	StrangersMore bool     `json:"strangers_more,omitempty" expr:"strangersMore"`
	StrangerNames []string `json:"stranger_names,omitempty" expr:"strangerNames"`
	StrangersTop  int      `json:"strangers_top,omitempty" expr:"strangersTop"`
	Own           int      `json:"own,omitempty" expr:"own"`
	Modified      int64    `json:"modified,omitempty" expr:"modified"` // of a file: seconds since 1970

	Cwd    bool     `json:"cwd,omitempty" expr:"cwd"`        // it is the working directory or above it
	HeldBy []Holder `json:"held_by,omitempty" expr:"heldBy"` // processes that have it open
}

// Holder is a process that uses an object.
type Holder struct {
	PID       int    `json:"pid" expr:"pid"`
	Name      string `json:"name" expr:"name"`
	User      string `json:"user,omitempty" expr:"user"`
	TTY       string `json:"tty,omitempty" expr:"tty"`
	Container string `json:"container,omitempty" expr:"container"`
	Away      bool   `json:"away,omitempty" expr:"away"` // in another mount namespace, where the mount stays
	Own       bool   `json:"own,omitempty" expr:"own"`   // of this session: it, its parents, or on its terminal
}

// DeviceFact is what a block device carries and who uses it.
type DeviceFact struct {
	Block     bool     `json:"block,omitempty" expr:"block"`     // it is a block device
	InUse     bool     `json:"in_use,omitempty" expr:"inUse"`    // itself, a partition or a holder is used
	Users     []string `json:"users,omitempty" expr:"users"`     // "mounted on /srv", "swap", "physical volume of vg0", "member of md0"
	Mounts    []string `json:"mounts,omitempty" expr:"mounts"`   //
	Carries   []string `json:"carries,omitempty" expr:"carries"` // signatures: "ext4 'data' 20 GiB", "gpt table, 3 partitions"
	FSType    string   `json:"fstype,omitempty" expr:"fstype"`   //
	Label     string   `json:"label,omitempty" expr:"label"`
	Table     string   `json:"table,omitempty" expr:"table"`         // dos, gpt
	Size      int64    `json:"size,omitempty" expr:"size"`           // bytes
	Transport string   `json:"transport,omitempty" expr:"transport"` // iscsi, fc, usb, sata, nvme, virtio
	Errors    int      `json:"errors,omitempty" expr:"errors"`       // that its file system counted since it was last repaired
	// LastError is the newest of them: "ext4_find_entry, 2026-01-02 03:04".
	LastError string `json:"last_error,omitempty" expr:"lastError"`
	// Emergency: the kernel turned the file system read-only after an error.
	Emergency bool `json:"emergency,omitempty" expr:"emergency"`
	// KernelSays is the kernel's last complaint about the device.
	KernelSays string `json:"kernel_says,omitempty" expr:"kernelSays"`
	// OnError is what its ext file system does after an error: continue,
	// remount-ro, panic.
	OnError string `json:"on_error,omitempty" expr:"onError"`
}

// RunsFact is what runs in a container or guest, or what a process is.
type RunsFact struct {
	Known  bool     `json:"known,omitempty" expr:"known"`   // it could be looked at
	Guests []string `json:"guests,omitempty" expr:"guests"` // virtual machines, by name
	Others []string `json:"others,omitempty" expr:"others"` // the other processes: "nginx (3)"
	// Local: every disk of the guest lies on storage that no other host reaches.
	Local bool `json:"local,omitempty" expr:"local"`
}

// SameJob is a process that does already what the line is about to do.
type SameJob struct {
	PID   int    `json:"pid" expr:"pid"`
	TTY   string `json:"tty,omitempty" expr:"tty"`
	Since string `json:"since,omitempty" expr:"since"` // "14:02", with the date when that is another day
	Line  string `json:"line" expr:"line"`             // as it was started
	To    string `json:"to,omitempty" expr:"to"`       // where it writes, when that is elsewhere
}

// CrontabFact is a user's crontab.
type CrontabFact struct {
	User    string   `json:"user,omitempty" expr:"user"`
	Jobs    []string `json:"jobs,omitempty" expr:"jobs"`        // the lines that start something
	NewJobs int      `json:"new_jobs,omitempty" expr:"newJobs"` // in what would replace it; -1 unknown
}

// ServiceFact is a unit or init script.
type ServiceFact struct {
	Active  bool   `json:"active,omitempty" expr:"active"`
	Carries bool   `json:"carries,omitempty" expr:"carries"` // it carries this session: networking, sshd
	Note    string `json:"note,omitempty" expr:"note"`       // the site's
}

// RepoFact is what only this clone of a git repository holds.
type RepoFact struct {
	Branch   string   `json:"branch,omitempty" expr:"branch"`     // that is checked out
	Changed  int      `json:"changed,omitempty" expr:"changed"`   // tracked files with changes that no commit holds
	Files    []string `json:"files,omitempty" expr:"files"`       // the first of them
	More     bool     `json:"more,omitempty" expr:"more"`         // there are more than Changed says
	Unmerged int      `json:"unmerged,omitempty" expr:"unmerged"` // commits of the branch that no other name leads to
	Stashes  int      `json:"stashes,omitempty" expr:"stashes"`   //
}

// AccountFact is whose account it is.
type AccountFact struct {
	Self      bool `json:"self,omitempty" expr:"self"`            // of the person who types
	Admin     bool `json:"admin,omitempty" expr:"admin"`          // may become root: a member of sudo, wheel or admin
	LastAdmin bool `json:"last_admin,omitempty" expr:"lastAdmin"` // nobody else may
	Guarded   bool `json:"guarded,omitempty" expr:"guarded"`      // its login shell is guardsh
}

// LinkFact is a network interface, or what a network manager calls one.
type LinkFact struct {
	Exists  bool `json:"exists,omitempty" expr:"exists"`   // an interface has this name
	Carries bool `json:"carries,omitempty" expr:"carries"` // this session goes through it, or it cannot be ruled out
}

// SessionFact is who is typing, and from where.
type SessionFact struct {
	User        string `json:"user,omitempty" expr:"user"`
	Root        bool   `json:"root,omitempty" expr:"root"`
	TTY         string `json:"tty,omitempty" expr:"tty"`
	Interactive bool   `json:"interactive,omitempty" expr:"interactive"`
	SSH         bool   `json:"ssh,omitempty" expr:"ssh"`
	Peer        string `json:"peer,omitempty" expr:"peer"`       // the address at the other end
	Address     string `json:"address,omitempty" expr:"address"` // the address at this end
	// Drivers are the kernel modules that Interface works with.
	Drivers    []string `json:"drivers,omitempty" expr:"drivers"`
	Interface  string   `json:"interface,omitempty" expr:"interface"`    // that the session came through
	LoaderGone bool     `json:"loader_gone,omitempty" expr:"loaderGone"` // programs can no longer start
}

// HostFact is what the machine is and serves.
type HostFact struct {
	Name         string   `json:"name,omitempty" expr:"name"`
	MemAvailable int64    `json:"mem_available,omitempty" expr:"memAvailable"` // bytes
	SwapUsed     int64    `json:"swap_used,omitempty" expr:"swapUsed"`         // bytes that are swapped out
	Kernel       string   `json:"kernel,omitempty" expr:"kernel"`              // the release that runs: 6.1.0-18-amd64
	Labels       []string `json:"labels,omitempty" expr:"labels"`              // production …
	LoggedIn     []string `json:"logged_in,omitempty" expr:"loggedIn"`         // other users: "ann on pts/1 from 10.0.0.7"
	Serves       []string `json:"serves,omitempty" expr:"serves"`              // "2 NFS exports", "3 guests", "1 iSCSI session"
	Container    string   `json:"container,omitempty" expr:"container"`        // what kind, when this is one
	SharedNet    bool     `json:"shared_net,omitempty" expr:"sharedNet"`       // in the host's network namespace
}
