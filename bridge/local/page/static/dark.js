// Dark mode as in Outlook on the web: lightness in Lab is inverted, within the range from #333333 to white.
// The rule is in https://github.com/microsoft/roosterjs.
const inverted = (colour) => `lab(from ${colour} calc((100 - l) * 0.78753 + 21.247) a b)`;
const SIDES = ["top", "right", "bottom", "left"];
const TRANSPARENT = "rgba(0, 0, 0, 0)";

// Invert the colours of a document that does not run scripts itself.
export function darken(inside) {
  const found = [...inside.body.querySelectorAll("*"), inside.body].map((node) => {
    const style = inside.defaultView.getComputedStyle(node);
    const colours = [["color", style.color]];
    if (style.backgroundColor !== TRANSPARENT) colours.push(["background-color", style.backgroundColor]);
    for (const side of SIDES) {
      if (style[`border-${side}-style`] !== "none") colours.push([`border-${side}-color`, style[`border-${side}-color`]]);
    }
    return [node, colours];
  });
  // In a second step, as inverted colours would be inherited.
  for (const [node, colours] of found) {
    for (const [name, colour] of colours) node.style.setProperty(name, inverted(colour));
  }
}
