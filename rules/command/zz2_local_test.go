package command

import (
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestShowSeed(t *testing.T) {
	s := newScratch(t)
	was := s.tree(t)
	for _, v := range strings.Fields(os.Getenv("SEEDS")) {
		n, _ := strconv.ParseInt(v, 10, 64)
		p := (&generator{r: rand.New(rand.NewSource(n))}).program()
		_, out, _ := s.try(t, p, 2*time.Second)
		s.restore(t, was)
		class, wrong := s.differs(t, was, p, true, &tally{})
		fmt.Printf("=== %s\n%s\n%s\n%s\n", v, p, out, class)
		for _, x := range wrong {
			if strings.HasPrefix(x, "not pred") || strings.HasPrefix(x, "certain, but") {
				fmt.Println("   ", x)
			}
		}
	}
}
