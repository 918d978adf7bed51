// Package install makes guardsh the shell of accounts, of a sudo rule and of
// an sshd match block, and takes it back.
//
// What is there is looked at first, and becomes a list of steps in words. The
// shell has to start for each account before anything of that account changes.
// A step that fails takes back all that were done before it. What was there
// before is kept in a record (/var/lib/guardsh/install.json), which is written
// before each change: whatever ends an installation, Uninstall knows what to
// look for.
//
// Uninstall puts back only what is still as Install left it. What somebody has
// changed since is named and left alone.
package install
