// Shows the document that the page around hands in, without workers, which a frame without an origin cannot start.
addEventListener('message', event => {
  if (event.source !== parent || event.data?.t !== 'document') return;
  Redoc.init(JSON.parse(event.data.text), { disableSearch: true, hideDownloadButton: true }, document.getElementById('viewer'));
});
parent.postMessage({ t: 'viewer' }, '*');
