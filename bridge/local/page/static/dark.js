// As Outlook on the web turns colours over: the lightness in Lab is turned round, from that of #333333 to white.
// https://github.com/microsoft/roosterjs has the rule.
const turned = (colour) => `lab(from ${colour} calc((100 - l) * 0.78753 + 21.247) a b)`;
const SIDES = ["top", "right", "bottom", "left"];
const CLEAR = "rgba(0, 0, 0, 0)";

// Turns over the colours of a document that does not run scripts itself.
export function darken(inside) {
  const found = [...inside.body.querySelectorAll("*"), inside.body].map((node) => {
    const style = inside.defaultView.getComputedStyle(node);
    const colours = [["color", style.color]];
    if (style.backgroundColor !== CLEAR) colours.push(["background-color", style.backgroundColor]);
    for (const side of SIDES) {
      if (style[`border-${side}-style`] !== "none") colours.push([`border-${side}-color`, style[`border-${side}-color`]]);
    }
    return [node, colours];
  });
  // Only now: what is turned over would be inherited.
  for (const [node, colours] of found) {
    for (const [name, colour] of colours) node.style.setProperty(name, turned(colour));
  }
}
