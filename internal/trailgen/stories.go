package trailgen

func (o *organization) stories() {}

func (o *organization) siblings() {}
