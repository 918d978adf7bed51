package guard

import (
	"fmt"
	"strings"
	"sync"

	"guardsh/rules/effect"
)

// doing is what a kind of effect does to its object, as a question says that no
// undo brings it back.
var doing = sync.OnceValue(func() map[effect.Kind]string {
	return map[effect.Kind]string{
		effect.Create:         "making",
		effect.WriteTree:      "writing into",
		effect.Overwrite:      "writing over",
		effect.Truncate:       "emptying",
		effect.Append:         "adding to",
		effect.Delete:         "deleting",
		effect.Move:           "moving",
		effect.Metadata:       "changing the attributes of",
		effect.Format:         "formatting",
		effect.Partition:      "partitioning",
		effect.RawWrite:       "writing onto",
		effect.Mount:          "mounting",
		effect.Remount:        "remounting",
		effect.Unmount:        "unmounting",
		effect.Fsck:           "repairing",
		effect.Stop:           "stopping",
		effect.Restart:        "restarting",
		effect.Disable:        "disabling",
		effect.Kill:           "ending",
		effect.Power:          "taking down",
		effect.NetChange:      "changing the network of",
		effect.ScheduleChange: "changing the schedule of",
		effect.AccountChange:  "changing the account",
		effect.PackageRemove:  "removing the package",
		effect.PackageInstall: "installing the package",
		effect.BootChange:     "changing the start from",
		effect.KernelChange:   "changing",
		effect.GuestStop:      "stopping",
		effect.GuestMigrate:   "migrating",
		effect.VolumeDelete:   "deleting",
		effect.VolumeChange:   "changing",
		effect.DBChange:       "changing the data of",
		effect.ClusterChange:  "changing",
		effect.RepoChange:     "changing the repository",
		effect.RemoteRun:      "what runs on",
		effect.RunUnknown:     "what is done by",
		effect.HistoryLoss:    "losing",
		effect.GuardChange:    "changing",
		effect.SessionEnd:     "leaving",
	}
})

// act is what an effect does, in words.
func act(e *effect.Effect) string {
	name := e.Object.Display()
	switch {
	case name != "":
	case e.Object.Type == effect.Database:
		name = "the database"
	default:
		name = strings.ReplaceAll(string(e.Object.Type), "-", " ")
	}
	return fmt.Sprintf("%s %s", doing()[e.Kind], name)
}
