package rules

import "strings"

// carriers are the services that a session from another host runs through:
// the login itself, the network and the firewall.
var carriers = map[string]bool{
	"ssh": true, "sshd": true, "dropbear": true, "networking": true, "network": true, "networkmanager": true, "network-manager": true,
	"systemd-networkd": true, "networkd": true, "network-online": true, "wicked": true, "wickedd": true, "netctl": true, "netplan": true, "netif": true,
	"dhcpcd": true, "wpa_supplicant": true, "connman": true, "openvswitch": true, "openvswitch-switch": true, "ovs-vswitchd": true,
	"firewalld": true, "nftables": true, "iptables": true, "ip6tables": true, "ufw": true, "shorewall": true, "frr": true, "bird": true, "bird6": true, "quagga": true, "zebra": true,
	"openvpn": true, "wg-quick": true, "strongswan": true, "tailscaled": true, "tailscale": true,
}

// CarriesSession reports a service that a session over SSH depends on, by its
// name with or without the unit's suffix and instance.
func CarriesSession(service string) bool {
	name := strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(service, ".service"), ".socket"))
	if base, instance, ok := strings.Cut(name, "@"); ok && instance != "" {
		name = base
	}
	return carriers[name]
}
