package command

import "guardsh/rules/word"

// aimed are the programs that an environment variable points at another
// cluster, host, inventory or repository, and these variables.
var aimed = map[string][]string{
	"kubectl": {"KUBECONFIG"}, "oc": {"KUBECONFIG"}, "helm": {"KUBECONFIG", "HELM_KUBECONTEXT", "HELM_NAMESPACE"},
	"ansible": inventories, "ansible-playbook": inventories, "kolla-ansible": inventories,
	"docker": {"DOCKER_HOST", "DOCKER_CONTEXT"}, "podman": {"CONTAINER_HOST"},
	"git":   {"GIT_DIR", "GIT_WORK_TREE"},
	"rails": stages, "rake": stages, "php": stages, "python3": stages, "python": stages, "manage.py": stages, "prisma": stages, "sequelize": stages, "knex": stages, "mix": stages,
	"virsh": {"LIBVIRT_DEFAULT_URI", "VIRSH_DEFAULT_CONNECT_URI"},
}

// preloads are what the loader puts into a program before its own code.
var preloads = []string{"LD_PRELOAD", "LD_AUDIT"}

// stages say which of a project's databases is meant.
var stages = []string{"RAILS_ENV", "RACK_ENV", "NODE_ENV", "APP_ENV", "MIX_ENV", "DJANGO_ENV"}

var inventories = []string{"ANSIBLE_INVENTORY", "ANSIBLE_CONFIG"}

// aims are those of the variables that an action's program will find set, or
// that are not known.
func (w *walker) aims(st *state, a Action) []Assign {
	name, ok := a.Name()
	if !ok || a.Builtin || a.Place.Kind != Here {
		return nil
	}
	var out []Assign
	for _, n := range preloads {
		for _, as := range a.Assigns {
			if as.Name == n {
				out = append(out, as)
			}
		}
		// What the line itself exports; a session that has one already is used
		// to it.
		if v, set := st.vars[n]; set && v.state == VarSet && v.exported && !v.isList && len(out) == 0 {
			out = append(out, Assign{Name: n, Value: v.val})
		}
	}
next:
	for _, n := range aimed[name] {
		for i := len(a.Assigns) - 1; i >= 0; i-- {
			if a.Assigns[i].Name == n {
				out = append(out, a.Assigns[i])
				continue next
			}
		}
		if _, set := st.vars[n]; !set && (st.lost || st.ctx.env == envUnknown) {
			continue // sudo and su hand none of these on
		}
		switch v := w.lookup(st, n); {
		case v.state == VarUnknown:
			out = append(out, Assign{Name: n, Value: word.Word{Src: "$" + n, Know: word.Unknown}})
		case v.state == VarSet && v.exported && !v.isList:
			out = append(out, Assign{Name: n, Value: v.val})
		}
	}
	return out
}
