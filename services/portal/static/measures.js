// The official volume while it is typed: pi/4 x ((D+d)/2)^2 x L, D and d to the centimetre, half-up to the litre. The same
// is computed again where it is recorded; without this module the form works as well.
const number = (text) => {
  const plain = text.trim().replace(/ /g, "");
  const value = Number(/^\d{1,3}(,\d{3})+(\.\d+)?$/.test(plain) ? plain.replaceAll(",", "") : plain.replace(",", "."));
  return plain && Number.isFinite(value) && value > 0 ? value : null;
};
const cubicMetres = (large, small, length) => {
  const ends = Math.floor(large + 0.5) + Math.floor(small + 0.5);
  return Math.floor((Math.PI * ends * ends * length) / 160 + 0.5) / 1000;
};
for (const row of document.querySelectorAll("[data-measures] [data-row]")) {
  const [large, small, length] = ["large", "small", "length"].map((name) => row.querySelector(`input[name^="${name}"]`));
  const shown = row.querySelector("output");
  const tell = () => {
    const [D, d, L] = [large, small, length].map((input) => number(input.value));
    shown.value = D && d && L ? `${cubicMetres(D, d, L).toLocaleString("en-US", { minimumFractionDigits: 3 })} m³` : "–";
  };
  row.addEventListener("input", tell);
  tell();
}
