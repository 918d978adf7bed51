package rules

import "strings"

// carrier reports whether a session from another host runs through a service: the
// login itself, the network and the firewall.
func carrier(name string) bool {
	switch name {
	case "ssh", "sshd", "dropbear", "networking", "network", "networkmanager", "network-manager", "systemd-networkd", "networkd", "network-online", "wicked", "wickedd",
		"netctl", "netplan", "netif", "dhcpcd", "wpa_supplicant", "connman", "openvswitch", "openvswitch-switch", "ovs-vswitchd", "firewalld", "nftables", "iptables",
		"ip6tables", "ufw", "shorewall", "frr", "bird", "bird6", "quagga", "zebra", "openvpn", "openvpn-server", "openvpn-client", "wg-quick", "strongswan-starter", "ipsec", "zerotier-one", "netbird", "strongswan", "tailscaled", "tailscale":
		return true
	}
	return false
}

// CarriesSession reports a service that a session over SSH depends on, by its
// name with or without the unit's suffix and instance.
func CarriesSession(service string) bool {
	name := strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(service, ".service"), ".socket"))
	if base, instance, ok := strings.Cut(name, "@"); ok && instance != "" {
		name = base
	}
	return carrier(name)
}
