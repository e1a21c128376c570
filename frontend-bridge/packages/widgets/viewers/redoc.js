// Shows the document that the page around hands in, without workers, which a frame without an origin cannot start. The texts of
// the document are sanitised, so that none of them gets as far as the page's policy.
addEventListener('message', event => {
  if (event.source !== parent || event.data?.t !== 'document') return;
  Redoc.init(callboardQuiet(JSON.parse(event.data.text)), { disableSearch: true, hideDownloadButton: true, sanitize: true }, document.getElementById('viewer'));
});
parent.postMessage({ t: 'viewer' }, '*');
