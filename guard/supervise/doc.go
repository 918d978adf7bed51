// Package supervise lets guardsh see each program start below a shell.
//
// The kernel stops a process that calls execve or execveat and asks the holder
// of a listener (seccomp user notification, Linux 5.5, seccomp_unotify(2)).
// The filter is put on one thread of this process, and the shell is started
// from that thread: a filter is inherited by every child, and neither the other
// threads here nor the helpers that they start have it. That takes
// CAP_SYS_ADMIN: the other way, no_new_privs, would break sudo below.
//
// Most starts are let go by the name of their program alone. The others are
// read (path, arguments, environment, directory) and judged while they wait.
//
// If the last holder of a listener goes, each exec below it fails with ENOSYS.
// A process aside holds it too before anything is started. It lets the first
// start go, which is the shell's own and for which a thread of this process stands
// still. Then it waits: it becomes the keeper, a process of its own that outlives
// this one, takes over when this process ends, and goes when the last supervised
// process is gone. A notification that a killed holder had taken is never handed
// out again; it lies in memory that both share, so that the keeper answers it.
//
// What a process has in its memory can be changed by another thread of it
// after it was read here: this is a guard against mistakes, not a sandbox.
package supervise
