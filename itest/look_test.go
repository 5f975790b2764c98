package itest

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestLook(t *testing.T) {
	b := open(t, demo())
	b.picture("wide")
	b.size(390, 844)
	t.Log(eval[string](b, `[...document.querySelectorAll("body *")].filter(e=>e.getBoundingClientRect().right>391 && !e.closest(".scroll") && !e.closest(".bar nav")).map(e=>e.tagName+"."+e.className+" "+e.textContent.slice(0,40)+" "+e.getBoundingClientRect().right).slice(0,20).join("\n")`))
	b.picture("narrow")
	b.size(1440, 900)
	b.media("screen", "dark")
	b.picture("dark")
	b.media("print", "light")
	b.size(800, 1100)
	b.picture("print")
	b.size(1440, 900)
	b.media("screen", "dark")
	b.do(chromedp.Navigate(b.file + "#name-2"))
	b.picture("name-dark")
	b.media("screen", "light")
	b.picture("name")
	b.size(390, 844)
	b.picture("name-narrow")
	t.Log(eval[string](b, `[...document.querySelectorAll("body *")].filter(e=>e.getBoundingClientRect().right>391 && !e.closest(".scroll") && !e.closest(".bar nav")).map(e=>e.tagName+"."+e.className+" "+e.textContent.slice(0,40)+" "+e.getBoundingClientRect().right).slice(0,20).join("\n")`))
}
