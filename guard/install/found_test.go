package install

import "testing"

func TestOwnTexts(t *testing.T) {
	const program = "/usr/bin/guardsh"
	for _, c := range []struct {
		text       string
		sudo, sshd bool
	}{
		{sudoersText("ops", program), true, false},
		{sudoersText("domain users", program), true, false},
		{sshdText("ops", program), false, true},
		{sshdText("domain users", "/opt/guard/guardsh"), false, true},
		{head, false, false},
		{"", false, false},
		{sudoersText("ops", program) + "# mine\n", false, false},
		{sudoersText("ops", program+", /bin/ls"), false, false},
		{"%ops ALL=(ALL:ALL) " + program + "\n", false, false},
		{sshdText("ops", program) + "\tPermitTTY no\n", false, false},
		{"Match Group \"ops\"\n\tForceCommand " + forced(program) + "\n", false, false},
	} {
		if got := ownSudoers(c.text); got != c.sudo {
			t.Errorf("ownSudoers(%q) = %v", c.text, got)
		}
		if got := ownSSHD(c.text); got != c.sshd {
			t.Errorf("ownSSHD(%q) = %v", c.text, got)
		}
	}
}
