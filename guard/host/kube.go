package host

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"guardsh/rules"
	"guardsh/rules/effect"
)

// maxKubeConfig bounds one file; certificates make them large.
const maxKubeConfig = 1 << 20

// kubeConfig is what is read of a kubeconfig.
type kubeConfig struct {
	Current  string `yaml:"current-context"`
	Contexts []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster   string `yaml:"cluster"`
			Namespace string `yaml:"namespace"`
		} `yaml:"context"`
	} `yaml:"contexts"`
	Clusters []struct {
		Name    string `yaml:"name"`
		Cluster struct {
			Server string `yaml:"server"`
		} `yaml:"cluster"`
	} `yaml:"clusters"`
}

// kubeTells says which cluster a command goes to: context, cluster, its address
// and the namespace, as kubectl will find them itself.
func kubeTells(g *gathering, e *effect.Effect, of *rules.ObjectFact) {
	opts := g.options(e, "kubeconfig", "context", "kube-context", "cluster", "namespace", "n", "server", "s")
	files, ok := g.kubeFiles(e, opts["kubeconfig"])
	if !ok {
		unknownf(of, "which cluster that is: the kubeconfig is not known")
		return
	}
	var all kubeConfig
	for _, name := range files {
		b, err := g.w.ReadFile(name, maxKubeConfig)
		if err != nil {
			continue // kubectl passes over those, too
		}
		var one kubeConfig
		if err := yaml.Unmarshal(b, &one); err != nil {
			unknownf(of, "which cluster that is: %s is no kubeconfig", name)
			return
		}
		// The first file that says something is right.
		if all.Current == "" {
			all.Current = one.Current
		}
		all.Contexts, all.Clusters = append(all.Contexts, one.Contexts...), append(all.Clusters, one.Clusters...)
	}
	helm, _ := g.aim(e, "HELM_KUBECONTEXT")
	context := first(opts["context"], opts["kube-context"], helm, all.Current)
	cluster, namespace := opts["cluster"], first(opts["namespace"], opts["n"])
	for _, c := range all.Contexts {
		if c.Name == context {
			cluster, namespace = first(cluster, c.Context.Cluster), first(namespace, c.Context.Namespace)
			break
		}
	}
	server := first(opts["server"], opts["s"])
	for _, c := range all.Clusters {
		if c.Name == cluster {
			server = first(server, c.Cluster.Server)
			break
		}
	}
	if context == "" && cluster == "" && server == "" {
		unknownf(of, "which cluster that is: no kubeconfig says it")
		return
	}
	said := "it goes to"
	if context != "" {
		said += " context " + context + ","
	}
	if cluster != "" {
		said += " cluster " + cluster
	}
	if server != "" {
		said += fmt.Sprintf(" (%s)", server)
	}
	said = strings.TrimSuffix(said, ",")
	if namespace != "" {
		said += ", namespace " + namespace
	}
	of.Tells = append(of.Tells, said)
}

// kubeFiles are the files that kubectl reads, in their order; ok is false where
// they are not known.
func (g *gathering) kubeFiles(e *effect.Effect, given string) (files []string, ok bool) {
	if given != "" {
		return []string{g.absolute(e, given)}, true
	}
	env, ok := g.aim(e, "KUBECONFIG")
	if !ok {
		return nil, false
	}
	for f := range strings.SplitSeq(env, ":") {
		if f != "" {
			files = append(files, g.absolute(e, f))
		}
	}
	if len(files) > 0 {
		return files, true
	}
	home, err := g.w.Home(userOf(e))
	if err != nil {
		return nil, false
	}
	return []string{home + "/.kube/config"}, true
}
