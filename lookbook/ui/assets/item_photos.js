// The photos of an item: a small one is shown large, the large one as its detail in a dialog.
element.addEventListener('click', (event) => {
  const pressed = event.target.closest('.views button, .views dialog');
  if (!pressed) return;
  const views = pressed.closest('.views');
  const dialog = views.querySelector('dialog');
  if (pressed.matches('.small')) {
    const large = views.querySelector('.large');
    const image = large ? large.querySelector('img') : views.querySelector(':scope > img');
    image.src = pressed.querySelector('img').src;
    image.srcset = pressed.dataset.srcset;
    if (large) {
      large.dataset.detail = pressed.dataset.detail;
      large.disabled = !pressed.dataset.detail;
    }
    for (const small of views.querySelectorAll('.small')) {
      small.setAttribute('aria-pressed', small === pressed);
    }
  } else if (pressed.matches('.large')) {
    dialog.querySelector('img').src = pressed.dataset.detail;
    dialog.showModal();
  } else {
    dialog.close();
  }
});
