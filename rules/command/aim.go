package command

import "guardsh/rules/word"

// aimVars are the environment variables that point a program at another cluster,
// host, inventory or repository.
func aimVars(name string) []string {
	switch name {
	case "kubectl", "oc":
		return []string{"KUBECONFIG"}
	case "helm":
		return []string{"KUBECONFIG", "HELM_KUBECONTEXT", "HELM_NAMESPACE"}
	case "ansible", "ansible-playbook", "kolla-ansible":
		return inventories
	case "docker":
		return []string{"DOCKER_HOST", "DOCKER_CONTEXT"}
	case "podman":
		return []string{"CONTAINER_HOST"}
	case "git":
		return []string{"GIT_DIR", "GIT_WORK_TREE"}
	case "rails", "rake", "php", "python3", "python", "manage.py", "prisma", "sequelize", "knex", "mix":
		return stages
	case "virsh":
		return []string{"LIBVIRT_DEFAULT_URI", "VIRSH_DEFAULT_CONNECT_URI"}
	}
	return nil
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
	for _, n := range aimVars(name) {
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
