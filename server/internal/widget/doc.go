// Package widget is the seam for widgets: pieces of data that a plugin answers and the host draws. A [Widget] answers
// frames, typed tables without markup; which view they are shown in is a word of its description. The [Registry] holds
// what is installed and says what is there for an entity; the [Engine] answers data to viewers. Package draw makes pictures
// and tables of it, which the routes below /api/widgets/v1 serve beside the frames themselves.
//
// A widget is asked as often as its Refresh says, once for everybody who looks at the same; while it fails, the last good
// answer is shown with its age. A fragment of HTML is served whatever happens: what is empty, not whole, old, broken or
// not for the viewer says so in their language, in the room that the picture would have.
//
// A widget of the view [Form] may take input, as a [Submitter]. A form acts in the name of who sends it, so it is taken with
// credentials in a header alone, never with a cookie: no other page can have a browser send one. What follows is that a
// browser without a script sends forms only through a server that has the credentials, as the console does.
package widget
