package command

import "testing"

// TestOpens tells a shell that somebody will type into from one that runs what
// the line gives it.
func TestOpens(t *testing.T) {
	for line, opens := range map[string]bool{
		"bash": true, "sudo -i": true, "sudo -s": true, "sudo -u www -i": true, "sudo bash -l": true, "sudo su -": true, "su": true, "su - ann": true,
		"sudo -i id": false, "sudo -l": false, "sudo -v": false, "sudo bash x.sh": false, "sudo bash -c id": false, "su -c id": false,
		"echo id | sudo bash": false, "sudo -s < x": false, "sudo id": false, "sudo -h": false, "sudo -i --help": false, "su - <&-": false, "sudo vim x": false,
	} {
		got := false
		for _, a := range Understand(line, Options{}).Actions {
			got = got || a.Opens
		}
		if got != opens {
			t.Errorf("%q opens a shell: %v", line, got)
		}
	}
}
