// <script src="https://SITE/embed/widget.js" data-item="ID" data-kind="similar" data-count="8" async></script>
(() => {
  const script = document.currentScript;
  const {item, kind = 'similar', count = '8', title} = script.dataset;
  const site = new URL('..', script.src);
  const host = document.createElement('div');
  script.after(host);
  const add = (parent, name, text, attributes = {}) => {
    const element = parent.appendChild(document.createElement(name));
    if (text) element.textContent = text;
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  };
  const show = ({title: found, items}) => {
    if (!items.length) return;
    const root = host.attachShadow({mode: 'open'});
    add(root, 'style', STYLE);
    add(root, 'h2', title || found);
    const list = add(root, 'ul');
    items.forEach((one) => {
      const link = add(add(list, 'li'), 'a', '', {href: one.link});
      add(link, 'img', '', {src: one.picture, alt: '', loading: 'lazy'});
      add(link, 'span', one.title);
      if (one.price) add(link, 'b', one.price);
    });
  };
  const address = new URL(`embed/${kind}.json`, site);
  address.search = new URLSearchParams({item, count});
  fetch(address).then((answer) => (answer.ok ? answer.json() : {items: []})).then(show, () => {});
})();
