package effect

import "strings"

// powerTargets are units whose start takes the machine down.
var powerTargets = map[string]string{
	"reboot": "reboot", "poweroff": "poweroff", "halt": "halt", "kexec": "kexec", "rescue": "rescue", "emergency": "rescue",
	"shutdown": "poweroff", "runlevel0": "poweroff", "runlevel6": "reboot", "runlevel1": "rescue", "ctrl-alt-del": "reboot",
	"suspend": "suspend", "hibernate": "suspend", "sleep": "suspend", "systemd-reboot": "reboot", "systemd-poweroff": "poweroff", "systemd-halt": "halt",
}

// startTarget is systemctl start and isolate: reboot.target is a reboot.
func startTarget(c *call) {
	for _, w := range c.values("unit") {
		for _, v := range w.Values {
			base := strings.TrimSuffix(strings.TrimSuffix(v, ".target"), ".service")
			attr, ok := powerTargets[base]
			if !ok || base == v && attr != "" && !strings.HasSuffix(v, ".target") && !strings.HasSuffix(v, ".service") && c.node.path == "systemctl start" {
				continue
			}
			c.set("_power")
			c.emit(c.effect(Power, attr, "now"), Object{Type: Host, Word: w})
		}
	}
}

// servicesOperand takes the actions off the operands of chkconfig,
// update-rc.d and rc-update, so that services are left.
func servicesOperand(c *call) {
	ops := c.args.Operands
	if c.name == "rc-update" && len(ops) > 1 {
		c.args.Values["a"] = ops[1:2]
		return
	}
	if len(ops) > 0 {
		c.args.Values["a"] = ops[:1]
	}
}
