package host

func (g *gathering) holders(list []*wanted) {}
func (g *gathering) devices()               {}
func (g *gathering) crontabs()              {}
func (g *gathering) services()              {}
func (g *gathering) aroundUs()              {}
